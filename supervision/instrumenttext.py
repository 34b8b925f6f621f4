"""Writing an instrument as the file that would make it: to be downloaded, and to check what is edited by the rules for files."""

from typing import Any

import yaml

from supervision.models import Instrument, Item


def as_yaml(instrument: Instrument) -> str:
    """The instrument as the file that would make it. Works on unsaved children too, as an editing form holds them."""
    entry: dict[str, Any] = {
        "slug": instrument.slug,
        "version": instrument.version,
        "name": instrument.name,
        "kind": instrument.kind,
        "owner": instrument.owner,
        "introduction": instrument.introduction,
        "licence_note": instrument.licence_note,
        "minimum_heard": instrument.minimum_heard,
        "sections": [_filled(key=one.key, name=one.name, introduction=one.introduction) for one in _in_order(instrument.sections)],
        "items": [_item_entry(one) for one in _in_order(instrument.items)],
        "derived": [
            _filled(
                key=one.key,
                name=one.name,
                formula=one.formula,
                decimals=one.decimals,
                is_percent=one.is_percent,
                explanation=one.explanation,
                thresholds=one.thresholds,
            )
            for one in _in_order(instrument.derived_scores)
        ],
    }
    return str(yaml.safe_dump(_filled(**entry), sort_keys=False, allow_unicode=True, width=120))


def _in_order(manager: Any) -> list[Any]:
    return sorted(manager.all(), key=lambda one: (one.position or 0, one.pk or 0))


def _item_entry(item: Item) -> dict[str, Any]:
    anchors = {int(score) if str(score).lstrip("-").isdigit() else score: words for score, words in (item.anchors or {}).items()}
    entry = _filled(key=item.key, section=item.section_key, name=item.name, question=item.question, anchors=anchors, codes=item.codes)
    entry |= {"scale": item.scale, "allows_na": item.allows_na}
    if item.scale not in (Item.Scale.ORDINAL, Item.Scale.YES_NO):
        entry |= {"least": item.least, "most": item.most}
    return entry


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", [], {}, None)}
