"""Value segments of customers: list price a month x tenure in months, ranked within a currency. Never an amount paid.

Domain rules: "new" if the tenure is under 30 days or one billing cycle; else high from the 80th percentile, core from
the 40th, low below. With under 20 customers or at most 3 distinct prices the rank goes by price, then tenure. A
segment that was given before changes only when the rank is 5 points past its border.
"""

from sqlalchemy import text

from manimod.extensions import db
from manimod.stripe.payloads import LIVE_STATUSES

NEW_DAYS = 30
HIGH_FROM, CORE_FROM, HYSTERESIS = 0.80, 0.40, 0.05
FEW_CUSTOMERS, FEW_PRICES = 20, 3

DAYS = {
    "sqlite": "julianday(coalesce(s.ended_at, CURRENT_TIMESTAMP)) - julianday(coalesce(s.started_at, s.created_at))",
    "postgresql": "extract(epoch FROM coalesce(s.ended_at, now()) - coalesce(s.started_at, s.created_at)) / 86400.0",
}
MONTHS = "CASE p.interval WHEN 'year' THEN 1.0/12 WHEN 'week' THEN 52.0/12 WHEN 'day' THEN 365.0/12 ELSE 1.0 END"
CYCLE_DAYS = "CASE p.interval WHEN 'year' THEN 365 WHEN 'week' THEN 7 WHEN 'day' THEN 1 ELSE 30 END"

# A customer counts with the most valuable subscription; metered prices have no list price and so no value.
SEGMENTS = f"""
WITH held AS (
  SELECT s.stripe_customer_id AS customer, p.currency, p.stripe_id AS price, ({{days}}) AS days,
         p.list_amount * s.quantity * ({MONTHS}) / p.interval_count AS monthly,
         ({CYCLE_DAYS}) * p.interval_count AS cycle
  FROM subscription s
  LEFT JOIN price p ON p.connection_id = s.connection_id AND p.stripe_id = s.stripe_price_id
  WHERE s.connection_id = :connection
), best AS (
  SELECT *, row_number() OVER (PARTITION BY customer ORDER BY coalesce(monthly, -1) * days DESC) AS place FROM held
), counted AS (
  SELECT count(*) AS customers, count(DISTINCT price) AS prices FROM best WHERE place = 1
), ranked AS (
  SELECT customer, days, cycle, monthly, percent_rank() OVER (
    PARTITION BY currency, monthly IS NULL ORDER BY
      CASE WHEN counted.customers < :few OR counted.prices <= :few_prices THEN monthly ELSE monthly * days END,
      days
  ) AS rank
  FROM best, counted WHERE place = 1
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

# By the cheapest monthly list price of those that somebody has.
POSITIONS = f"""
WITH priced AS (
  SELECT stripe_product_id AS product, min(list_amount * ({MONTHS}) / interval_count) AS monthly
  FROM price p WHERE connection_id = :connection AND interval IS NOT NULL AND list_amount IS NOT NULL
    AND EXISTS (SELECT 1 FROM subscription s WHERE s.connection_id = :connection
                AND s.stripe_product_id = p.stripe_product_id AND s.status IN {LIVE_STATUSES})
  GROUP BY stripe_product_id
), placed AS (
  SELECT product, rank() OVER (ORDER BY monthly) AS low, rank() OVER (ORDER BY monthly DESC) AS high,
         count(*) OVER () AS tiers FROM priced
)
UPDATE tier SET position = (
  SELECT CASE WHEN tiers = 1 THEN 'single' WHEN high = 1 THEN 'top' WHEN low = 1 THEN 'entry' ELSE 'middle' END
  FROM placed WHERE placed.product = tier.stripe_product_id
) WHERE connection_id = :connection
"""  # noqa: S608


def recompute(connection_id: int) -> None:
    """Give every synced customer a segment, and every tier its position, in one statement each."""
    parameters = {"connection": connection_id, "few": FEW_CUSTOMERS, "few_prices": FEW_PRICES}
    parameters |= {"high": HIGH_FROM, "core": CORE_FROM, "slack": HYSTERESIS, "new_days": NEW_DAYS}
    db.session.execute(text(SEGMENTS.format(days=DAYS[db.engine.dialect.name])), parameters)
    db.session.execute(text(POSITIONS), {"connection": connection_id})
