"""When a reminder is due, to whom, and on which days letters leave."""

import enum


class ReminderRule(enum.StrEnum):
    """Why somebody is reminded."""

    STEP_TOMORROW = "step_tomorrow"
    STEP_OVERDUE = "step_overdue"
    SILENCE = "silence"
    SILENCE_ESCALATED = "silence_escalated"


REMINDER_RULE_LABELS: dict[ReminderRule, str] = {
    ReminderRule.STEP_TOMORROW: "Prochaine étape demain",
    ReminderRule.STEP_OVERDUE: "Prochaine étape en retard",
    ReminderRule.SILENCE: "Sans contact depuis longtemps",
    ReminderRule.SILENCE_ESCALATED: "Sans contact, et sans réaction du référent",
}


class ReminderState(enum.StrEnum):
    """Where a line of the ledger stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
