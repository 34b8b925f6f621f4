"""What is taken back, and of which sessions: asked on the staff's page and on the family's own."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format

from recordings import narrowing
from recordings.consent import name_of
from recordings.models import Consent, ConsentPerson, Withdrawal


class TakeBackForm(forms.Form):
    """Everything of the whole family unless something less is chosen: an empty form takes everything back.

    `others` are the family's other consents that are not taken back. `cleaned_data` has `purposes` (empty: all of it) and `is_everything`.
    """

    EVERYTHING, USES = "everything", "uses"
    FAMILY, ONE = "family", "one"

    what = forms.ChoiceField(label="What is taken back", widget=forms.RadioSelect, initial=EVERYTHING)
    purposes = forms.MultipleChoiceField(
        label="Not for this any more",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Tick these only where single uses are taken back.",
    )
    scope = forms.ChoiceField(label="Which sessions", widget=forms.RadioSelect, initial=FAMILY)

    def __init__(self, data: QueryDict | None = None, *, consent: Consent, others: list[Consent]) -> None:
        if data is not None:
            data = data.copy()
            data.setdefault("what", self.EVERYTHING)
            data.setdefault("scope", self.FAMILY)
        super().__init__(data)
        meant = [consent, *others]
        offered = narrowing.can_be_ended(meant)
        if self.is_bound:  # also what a click before this one has taken back already
            ended = {purpose for one in meant for purpose in one.ended_purposes}
            offered = [purpose for purpose in narrowing.MEANS if purpose in ended or purpose in offered]
        self._offer("what", [(self.EVERYTHING, "Everything. No recording is kept."), (self.USES, "Single uses. The recordings stay.")])
        self._offer("purposes", [(purpose, narrowing.MEANS[purpose]) for purpose in offered])
        day = date_format(consent.given_on, "j F Y")
        self._offer("scope", [(self.FAMILY, "All that was agreed to, also on other days"), (self.ONE, f"Only what was agreed to on {day}")])
        if not offered:
            del self.fields["what"], self.fields["purposes"]
        if not others:
            del self.fields["scope"]

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (declared above)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        purposes, what = found.get("purposes") or [], found.get("what")
        if what == self.USES and not purposes and "purposes" not in self.errors:
            self.add_error("purposes", "Choose what it is not to be used for any more.")
        if what == self.EVERYTHING and purposes:
            self.add_error("what", "Single uses are ticked, and everything is chosen. Choose one of the two.")
        told: dict[str, Any] = {name: found[name] for name in ("person", "channel") if name in found}
        return {**told, "purposes": purposes, "is_everything": found.get("scope") != self.ONE}


class WithdrawForm(TakeBackForm):
    """For staff, on the family's word: also who said it, and how."""

    SOMEBODY_ELSE = "other"

    person = forms.ChoiceField(
        label="Who takes it back", widget=forms.RadioSelect, error_messages={"required": "Choose who takes it back."}
    )
    channel = forms.ChoiceField(
        label="How we were told",
        choices=[choice for choice in Withdrawal.Channel.choices if choice[0] != Withdrawal.Channel.LINK],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how we were told."},
    )
    field_order = ("what", "purposes", "scope", "person", "channel")

    def __init__(self, data: QueryDict | None = None, *, consent: Consent, others: list[Consent]) -> None:
        super().__init__(data, consent=consent, others=others)
        self.people = {str(person.pk): person for person in consent.people.all()}
        names = [(pk, name_of(person)) for pk, person in self.people.items()]
        self._offer("person", [*names, (self.SOMEBODY_ELSE, "Somebody else with parental responsibility")])

    def clean_person(self) -> ConsentPerson | None:
        return self.people.get(self.cleaned_data["person"])
