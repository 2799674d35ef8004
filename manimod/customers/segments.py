"""Value segments of customers, by list prices. Never by an amount paid.

A customer's value is the list price a month x the tenure, of the subscription whose tier the ads name. Amounts are
compared only within a currency, so it never matters how many decimals a currency has or what it is worth in another.

Domain rules: "new" if the tenure is under 30 days or one billing cycle; else high from the 80th percentile, core from
the 40th, low below. With under 20 customers or at most 3 distinct prices the rank goes by price, then tenure. A
segment that was given before changes only when the rank is 5 points past its border.
"""

from sqlalchemy import text

from manimod.customers import catalogue
from manimod.customers.tiers import NAMED_FIRST
from manimod.extensions import db

NEW_DAYS = 30
HIGH_FROM, CORE_FROM, HYSTERESIS = 0.80, 0.40, 0.05
FEW_CUSTOMERS, FEW_PRICES = 20, 3

DAYS = {
    "sqlite": "julianday(coalesce(ended_at, CURRENT_TIMESTAMP)) - julianday(first_start)",
    "postgresql": "extract(epoch FROM coalesce(ended_at, now()) - first_start) / 86400.0",
}
MONTHS = "CASE p.interval WHEN 'year' THEN 1.0/12 WHEN 'week' THEN 52.0/12 WHEN 'day' THEN 365.0/12 ELSE 1.0 END"
CYCLE_DAYS = "CASE p.interval WHEN 'year' THEN 365 WHEN 'week' THEN 7 WHEN 'day' THEN 1 ELSE 30 END"

# A pack that isn't full counts or not, as the price says.
MONTHLY = f"""
  p.unit_amount * ((h.quantity + CASE WHEN p.rounds_up THEN p.pack_size - 1 ELSE 0 END) / p.pack_size)
  * ({MONTHS}) / p.interval_count
"""

# Metered prices have no list price and so no value. The tenure begins with the customer's first subscription.
SEGMENTS = f"""
WITH held AS (
  SELECT stripe_customer_id, stripe_price_id, quantity, ended_at,
         min(coalesce(started_at, created_at)) OVER (PARTITION BY stripe_customer_id) AS first_start,
         row_number() OVER (PARTITION BY stripe_customer_id ORDER BY {NAMED_FIRST}) AS place
  FROM subscription WHERE connection_id = :connection
), valued AS (
  SELECT h.stripe_customer_id AS customer, p.currency, p.stripe_id AS price, ({{days}}) AS days,
         {MONTHLY} AS monthly, ({CYCLE_DAYS}) * p.interval_count AS cycle
  FROM held h LEFT JOIN price p ON p.connection_id = :connection AND p.stripe_id = h.stripe_price_id
  WHERE h.place = 1
), counted AS (
  SELECT count(*) AS customers, count(DISTINCT price) AS prices FROM valued
), ranked AS (
  SELECT customer, days, cycle, monthly, percent_rank() OVER (
    PARTITION BY currency, monthly IS NULL ORDER BY
      CASE WHEN counted.customers < :few OR counted.prices <= :few_prices THEN monthly ELSE monthly * days END,
      days
  ) AS rank
  FROM valued, counted
)
UPDATE customer SET segment = CASE
    WHEN ranked.days < :new_days OR ranked.days < ranked.cycle THEN 'new'
    WHEN ranked.monthly IS NULL THEN 'core'
    WHEN ranked.rank >= :high - CASE WHEN customer.segment = 'high' THEN :slack ELSE 0 END
         AND (customer.segment IS NULL OR customer.segment <> 'core' OR ranked.rank >= :high + :slack) THEN 'high'
    WHEN ranked.rank >= :core - CASE WHEN customer.segment IN ('core', 'high') THEN :slack ELSE 0 END
         AND (customer.segment IS NULL OR customer.segment <> 'low' OR ranked.rank >= :core + :slack) THEN 'core'
    ELSE 'low' END
FROM ranked WHERE customer.connection_id = :connection AND customer.stripe_id = ranked.customer
"""  # noqa: S608 - the slots are constants of this module


def recompute(connection_id: int) -> None:
    """Give every synced customer a segment, in one statement, and every tier its place."""
    parameters = {"connection": connection_id, "few": FEW_CUSTOMERS, "few_prices": FEW_PRICES}
    parameters |= {"high": HIGH_FROM, "core": CORE_FROM, "slack": HYSTERESIS, "new_days": NEW_DAYS}
    db.session.execute(text(SEGMENTS.format(days=DAYS[db.engine.dialect.name])), parameters)
    catalogue.place_tiers(connection_id)
