"""A stand-in for Stripe's API that the real stripe-python talks to. README.md beside this file says how to use it."""

from .control import SandboxControl, SandboxError, stripe_client
from .server import Sandbox

__all__ = ["Sandbox", "SandboxControl", "SandboxError", "stripe_client"]
