"""The states of rows, each with the label that pages show."""

from manimod.lifecycle import LabelledEnum


class Plan(LabelledEnum):
    FREE = "free", "Free"
    STARTER = "starter", "Starter"
    PRO = "pro", "Pro"
    SCALE = "scale", "Scale"


class ConnectionStatus(LabelledEnum):
    CONNECTED = "connected", "Connected"
    DISCONNECTED = "disconnected", "Disconnected"


class Source(LabelledEnum):
    """How an event arrived, or how a moment was found."""

    WEBHOOK = "webhook", "Webhook"
    POLL = "poll", "Event check"
    RECENT = "recent", "Quick check"
    SYNC = "sync", "Customer sync"


class EventState(LabelledEnum):
    PENDING = "pending", "Waiting"
    THIN = "thin", "Being fetched"  # its object is not known yet
    DONE = "done", "Processed"
    IGNORED = "ignored", "Ignored"
    FAILED = "failed", "Given up"


class MomentState(LabelledEnum):
    WAITING = "waiting", "Waits for the subscription"  # until `ready_at`
    READY = "ready", "Queued"
    GENERATED = "generated", "In a creative"
    WITHDRAWN = "withdrawn", "Withdrawn"  # it no longer holds
    SKIPPED = "skipped", "Skipped (switched off)"
    BLOCKED = "blocked", "Waits for the brand kit"  # nothing lawful can be written until the brand changes


class CreativeStatus(LabelledEnum):
    WAITING = "waiting", "Waiting"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"  # its moments no longer hold
    EXPIRED = "expired", "Expired"  # its window is over


class ExportState(LabelledEnum):
    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class GenericReason(LabelledEnum):
    """Why a creative is generic."""

    NO_SUBSCRIPTION = "no_subscription", "This customer has no subscription, so the ads name no tier."
    UNNAMED_TIER = "unnamed_tier", "This customer's tier has no name that ads can say, so they name none."
    NOT_SOLD = "not_sold", "This tier is archived in Stripe, so the ads that win customers back don't name it."
    NOT_SYNCED = "not_synced", "Stripe data isn't synced yet: the tier or the value segment wasn't known."


class ReviewAction(LabelledEnum):
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"
    REOPENED = "reopened", "Put back into the queue"
    EDITED = "edited", "Texts edited"
    REWRITTEN = "rewritten", "New version written"
    RESTORED = "restored", "Earlier texts brought back"
    EXPIRED = "expired", "Expired"
    EXPORTED = "exported", "Exported"


class RejectionReason(LabelledEnum):
    """What a rejected set gets wrong; see creatives/learning.py for what follows."""

    TOPIC = "topic", "The topic"
    WORDING = "wording", "The wording"
    UNTRUE = "untrue", "Something isn't true"
    PICTURE = "picture", "The picture"


class SyncState(LabelledEnum):
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Outcome(LabelledEnum):
    """What a check found, the worst first."""

    BROKEN = "broken", "Broken"  # what worked, or should, does not
    ATTENTION = "attention", "Needs attention"  # the owner should look or decide
    GOOD = "good", "Good"
    NOT_APPLICABLE = "not_applicable", "Not applicable"
