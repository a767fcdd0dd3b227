"""Slashing spans: within one, a stash pays its largest slash and no more.

A span ends with a slash: whoever goes on staking afterwards can be slashed anew. Spans older than the bonding
duration are forgotten.
"""

from dataclasses import replace

from runtime.pallets.staking.types import SlashingSpans


def first_span(start: int) -> SlashingSpans:
    """The spans of a stash that was never slashed, in a bonding period that began with era `start`."""
    return SlashingSpans(0, start, 0, ())


def span_of(spans: SlashingSpans, era: int) -> int | None:
    """The number of the span that holds `era`; None before the first."""
    if era >= spans.last_start:
        return spans.span_index
    start = spans.last_start
    for number, length in enumerate(spans.prior, 1):
        if start - length <= era < start:
            return spans.span_index - number
        start -= length
    return None


def end_span(spans: SlashingSpans, now: int) -> SlashingSpans:
    """The current span ends with era `now`; the same where a later one began already."""
    start = now + 1
    if start <= spans.last_start:
        return spans
    length = start - spans.last_start
    return replace(spans, span_index=spans.span_index + 1, last_start=start, prior=(length, *spans.prior))


def prune(spans: SlashingSpans, start: int) -> tuple[SlashingSpans, range]:
    """Without the spans that ended before era `start`; and the numbers of those."""
    kept = 0
    end = spans.last_start
    for length in spans.prior:
        if end <= start:
            break
        end -= length
        kept += 1
    oldest = spans.span_index - len(spans.prior)
    pruned = range(oldest, spans.span_index - kept)
    return replace(spans, prior=spans.prior[:kept], last_start=max(spans.last_start, start)), pruned
