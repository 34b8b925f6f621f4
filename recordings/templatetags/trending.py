"""The small picture of an item's scores over sessions."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from supervision.trends import EDGE, HEIGHT, WIDTH, Trend, picture

register = template.Library()


@register.simple_tag
def trend_picture(trend: Trend) -> SafeString:
    """Decorative for a screen reader, which has the sentence beside it and the table below."""
    drawn = picture(trend)
    band = mean = line = SafeString("")
    if drawn.band is not None:
        band = format_html('<rect class="pl-trend__band" x="0" y="{}" width="{}" height="{}"/>', drawn.band[0], WIDTH, drawn.band[1])
    if drawn.mean_y is not None and len(drawn.dots) > 1:
        mean = format_html('<line class="pl-trend__mean" x1="0" x2="{}" y1="{}" y2="{}"/>', WIDTH, drawn.mean_y, drawn.mean_y)
        line = format_html('<polyline class="pl-trend__line" points="{}"/>', drawn.line)
    dots = format_html_join("", '<circle class="pl-trend__dot" cx="{}" cy="{}" r="4"/>', drawn.dots)
    ends = format_html_join(
        "",
        '<line class="pl-trend__scale" x1="0" x2="{}" y1="{}" y2="{}"/><text class="pl-trend__end" x="{}" y="{}">{}</text>',
        [
            (WIDTH, EDGE, EDGE, WIDTH + 6, EDGE + 4, trend.item.most),
            (WIDTH, HEIGHT - EDGE, HEIGHT - EDGE, WIDTH + 6, HEIGHT - EDGE + 4, trend.item.least),
        ],
    )
    return format_html(
        '<svg class="pl-trend__picture" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">{}{}{}{}{}</svg>',
        WIDTH + 24,
        HEIGHT,
        ends,
        band,
        mean,
        line,
        dots,
    )
