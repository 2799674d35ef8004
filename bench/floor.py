"""The floor of the webhook: a bare Flask app that checks the HMAC, parses the JSON, inserts one row and commits.

It is what anybody would have to do to answer Stripe honestly, and nothing else: no ORM, no log, no sign-in.
"""

import hashlib
import hmac
import os
import sqlite3
import threading

import psycopg
from flask import Flask, request

from bench import SIGNING_SECRET

ADDRESS = os.environ["DATABASE_URL"]
TABLE = "CREATE TABLE IF NOT EXISTS floor_event (id TEXT PRIMARY KEY, kind TEXT, created BIGINT, body TEXT)"
INSERT = "INSERT INTO floor_event VALUES ({0}, {0}, {0}, {0}) ON CONFLICT DO NOTHING"

app = Flask(__name__)
held = threading.local()


def connect():
    """One connection a thread, with mani's own promises about a power cut."""
    if ADDRESS.startswith("postgresql"):
        return psycopg.connect(ADDRESS), INSERT.format("%s")
    connection = sqlite3.connect(ADDRESS.removeprefix("sqlite:///"), timeout=15)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection, INSERT.format("?")


def database():
    if not hasattr(held, "connection"):
        held.connection = connect()
    return held.connection


@app.get("/healthz")
def alive():
    connection, _ = database()
    connection.execute(TABLE)
    connection.commit()
    return "ok"


@app.post("/webhook")
def webhook():
    body = request.get_data()
    stamp, signature = (part.partition("=")[2] for part in request.headers["Stripe-Signature"].split(","))
    expected = hmac.new(SIGNING_SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        return "no", 400
    event = request.get_json()
    connection, insert = database()
    connection.execute(insert, (event["id"], event["type"], event["created"], body.decode()))
    connection.commit()
    return "ok"
