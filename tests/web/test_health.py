from tests.applications import send_redis_away


def test_alive(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert "Set-Cookie" not in answer.headers


def test_ready_with_database_and_redis(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "database: ok\nredis: ok\n")


def test_not_ready_without_redis(app, client):
    send_redis_away(app)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "database: ok\nredis: no answer\n")
