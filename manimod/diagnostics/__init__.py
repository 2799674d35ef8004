"""Why does nothing happen? The checks, alerts, setup steps and metrics."""
