"""Which HTTP status a refusal has: one table, the same on every route.

Rules
 * 4xx: the request, as it was sent, will not do. 429 and 503: the same request may do later, or at another time.
 * Every code has a status here; a test compares the table with the enum.
"""

from __future__ import annotations

from typing import Final

from clearline.model.refusal import RefusalCode

__all__ = ["RETRY_AFTER_S", "STATUS_OF", "reason_codes"]

_GROUPS: Final[dict[int, tuple[RefusalCode, ...]]] = {
    400: (
        RefusalCode.MALFORMED,
        RefusalCode.UNKNOWN_FIELD,
        RefusalCode.DUPLICATE_FIELD,
        RefusalCode.OUT_OF_RANGE,
        RefusalCode.UNKNOWN_FORMAT,
        RefusalCode.UNREADABLE_FILE,
        RefusalCode.RING_INVALID,
        RefusalCode.RING_CROSSES,
        RefusalCode.SHAPE_MISSING,
        RefusalCode.SHAPE_TOO_LARGE,
        RefusalCode.ALTITUDE_ORDER,
        RefusalCode.TIME_ORDER,
        RefusalCode.PARTY_UNKNOWN,
        RefusalCode.READ_BACK_WRONG,
        RefusalCode.RECEIPT_FALSE,
        RefusalCode.CONFIGURATION_INVALID,
        RefusalCode.BUNDLE_BROKEN,
    ),
    401: (RefusalCode.NOT_AUTHENTICATED,),
    403: (
        RefusalCode.ROLE_FORBIDS,
        RefusalCode.NOT_OWNER,
        RefusalCode.SIGNATURE_INVALID,
        RefusalCode.KEY_UNKNOWN,
        RefusalCode.REQUEST_EXPIRED,
    ),
    404: (
        RefusalCode.NOT_FOUND,
        RefusalCode.NOTICE_UNKNOWN,
        RefusalCode.FINDING_UNKNOWN,
        RefusalCode.LINE_UNKNOWN,
    ),
    405: (RefusalCode.METHOD_NOT_ALLOWED,),
    409: (
        RefusalCode.VERSION_NOT_NEXT,
        RefusalCode.NOTICE_EXISTS,
        RefusalCode.NOTICE_ENDED,
        RefusalCode.STATE_FORBIDS,
        RefusalCode.CHAIN_GAP,
        RefusalCode.CHAIN_FORK,
        RefusalCode.MESSAGE_ID_REUSED,
        RefusalCode.AGREEMENT_DIFFERS,
    ),
    413: (RefusalCode.OVER_LIMIT,),
    429: (RefusalCode.OVERLOADED,),
    503: (
        RefusalCode.STORE_UNAVAILABLE,
        RefusalCode.STORE_DAMAGED,
        RefusalCode.STORE_ROLLED_BACK,
        RefusalCode.STORE_IN_USE,
        RefusalCode.STORE_FOREIGN,
        RefusalCode.KERNEL_NOT_READY,
        RefusalCode.STOPPING,
    ),
}

STATUS_OF: Final[dict[RefusalCode, int]] = {code: status for status, codes in _GROUPS.items() for code in codes}

RETRY_AFTER_S: Final[dict[RefusalCode, int]] = {
    RefusalCode.OVERLOADED: 1,
    RefusalCode.STORE_UNAVAILABLE: 3,
    RefusalCode.KERNEL_NOT_READY: 2,
    RefusalCode.STOPPING: 10,
}
"""Seconds after which asking again makes sense; the others need a human first."""


def reason_codes(status: int) -> tuple[RefusalCode, ...]:
    """Return the codes that a status may carry."""
    return _GROUPS[status]
