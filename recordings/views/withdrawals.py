"""A consent taken back: by the therapist on the family's word, or by the family through its own link."""

from collections.abc import Mapping

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from recordings import destruction, narrowing, permissions, withdrawal, withdrawallink
from recordings.models import Consent, Recording
from recordings.views import consents
from recordings.withdrawforms import TakeBackForm, WithdrawForm
from supervision.http import AuthenticatedRequest

WRONG_LINKS, WRONG_LINKS_SECONDS = 20, 3600
BROKEN_OFF = (
    "It is taken back, and nobody can hear or read it any more. The rest is being destroyed now: that goes on by itself, and takes a "
    "few minutes at most."
)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    consent = consents.load(request, pk)
    if not permissions.can_withdraw(request.user, consent):
        raise PermissionDenied(
            "A consent is withdrawn by the family's therapist, the team's supervisors or the information governance lead."
        )
    if consent.withdrawn_at is not None:
        messages.info(request, "This consent has already been withdrawn.")
        return redirect("recordings:consent-detail", consent.pk)
    others = withdrawal.others(consent, on=timezone.localdate())
    form = WithdrawForm(request.POST if request.method == "POST" else None, consent=consent, others=[one.consent for one in others])
    if request.method == "POST" and form.is_valid() and _take_back(request, consent, form):
        return redirect("recordings:consent-detail", consent.pk)
    context = {
        "consent": consent,
        "family": consent.family,
        "form": form,
        "others": others,
        "sessions": withdrawal.sessions(consent),
        **_consequences([consent, *(one.consent for one in others)]),
    }
    return render(request, "recordings/consent_withdraw.html", context, status=422 if request.method == "POST" else 200)


def _take_back(request: AuthenticatedRequest, consent: Consent, form: WithdrawForm) -> bool:
    """False where it was refused; the form says why."""
    now = timezone.now()
    asked = dict(form.cleaned_data)
    purposes = asked.pop("purposes")
    try:
        if purposes:
            narrowing.narrow(consent=consent, purposes=purposes, by=request.user, now=now, **asked)
        else:
            withdrawal.withdraw(consent=consent, by=request.user, now=now, **asked)
    except narrowing.NarrowingRefused as refusal:
        form.add_error(None, str(refusal))
        return False
    except withdrawal.Unfinished:
        messages.warning(request, BROKEN_OFF)
        return True
    if purposes:
        messages.success(
            request, "It is taken back for these uses. What was made for them alone is destroyed, unless a legal hold keeps it."
        )
    else:
        _tell(request, withdrawal.outcome(consent, on=timezone.localdate(now)))
    return True


def _tell(request: AuthenticatedRequest, outcome: withdrawal.Outcome) -> None:
    if outcome.held_until:
        messages.warning(
            request,
            f"The consent is withdrawn. A legal hold keeps what is sealed until {outcome.held_until[-1]:%-d %B %Y}; nobody can hear or read it.",
        )
        return
    messages.success(
        request,
        "The consent is withdrawn, and everything that was recorded under it is destroyed. Nobody can hear or read it any more.",
    )


def _consequences(meant: list[Consent]) -> dict[str, list[str]]:
    """What goes and what stays where all of these are withdrawn, in sentences, a legal hold included."""
    now = timezone.now()
    kept = list(Recording.objects.kept().filter(consent__in=meant))
    held = withdrawal.held_until(kept, on=timezone.localdate(now))
    stays = [
        "That a session was recorded and when, that consent was given and withdrawn, and who listened.",
        "Scores that a reviewer has submitted, without a word that was said.",
        f"A certificate of destruction for each recording. Backups become unreadable by {destruction.unreadable_on(now):%-d %B %Y}.",
    ]
    if held:
        which = "A legal hold keeps one recording" if len(held) == 1 else f"Legal holds keep {len(held)} recordings"
        stays.insert(
            0, f"{which} sealed until {held[-1]:%-d %B %Y}. Nobody of the team can hear or read it from now on; then it is destroyed."
        )
    return {"goes": _goes(len(kept) - len(held), len(held), is_one=len(meant) == 1), "stays": stays}


def _goes(count: int, held: int, *, is_one: bool) -> list[str]:
    under, them = ("this consent", "it") if is_one else ("these consents", "them")
    if not count:
        unheard = f"Nobody can hear what was recorded under {them} any more."
        nothing = f"Nothing has been recorded under {them}; nothing can be from now on."
        return [
            f"{under.capitalize()}. {unheard if held else nothing}",
            "An upload that is under way: it is stopped and nothing of it is kept.",
        ]
    recordings = {1: "The one recording", 2: "Both recordings"}.get(count, f"All {count} recordings")
    return [
        f"{recordings} made under {under}: the sound, the transcript, and what was computed from them.",
        "What reviewers wrote about them, and the replies.",
        "An upload or a transcription that is under way: it is stopped and nothing of it is kept.",
    ]


@require_POST
def link(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Makes the family's link and shows its copy with it, this once; or the same copy as a Word file."""
    consent = consents.load(request, pk)
    if not permissions.can_hand_out_link(request.user, consent):
        raise PermissionDenied("The family's therapist and the team's supervisors hand out this link, while the consent stands.")
    token = request.POST.get("token", "")
    if not withdrawallink.is_good(token, consent):
        token = withdrawallink.make(consent=consent, by=request.user, now=timezone.now())
    address = withdrawallink.address(token)
    if request.POST.get("format") == "docx":
        return consents.copy_file(consent, address=address)
    return consents.copy_page(request, consent, token=token, address=address)


@require_POST
def end_links(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Ends all links given out for a consent, for a paper that was lost."""
    consent = consents.load(request, pk)
    if not permissions.can_hand_out_link(request.user, consent):
        raise PermissionDenied("The family's therapist and the team's supervisors end these links, while the consent stands.")
    ended = withdrawallink.end_all(consent=consent, by=request.user, now=timezone.now())
    if ended:
        messages.success(request, "The links that were given out have ended. Give the family a new copy with a link.")
    else:
        messages.info(request, "There was no link that works.")
    return redirect("recordings:consent-detail", consent.pk)


@login_not_required
@csrf_exempt  # the secret in the address is the authority, and no cookie is; nor does a page without referrer send an origin
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """For the family, without an account. Opening it, as previews of links do, changes nothing."""
    try:
        consent = withdrawallink.find(token).consent
        others = withdrawal.others(consent, on=timezone.localdate())
        form = TakeBackForm(request.POST if request.method == "POST" else None, consent=consent, others=[one.consent for one in others])
        if request.method == "POST" and form.is_valid():
            return _take_back_by_link(request, consent, token, form)
    except withdrawallink.LinkRefused as refusal:
        return _over(request, refusal)
    context = {"team": consent.family.team, "form": form, "others": others, **_plainly(consent, others)}
    return _family_page(request, "recordings/withdraw_ask.html", context, status=422 if request.method == "POST" else 200)


def _take_back_by_link(request: HttpRequest, consent: Consent, token: str, form: TakeBackForm) -> HttpResponse:
    """The page that says what was done: always, once the consent is closed, whatever of the rest has broken off."""
    now, is_unfinished, asked = timezone.now(), False, dict(form.cleaned_data)
    purposes = asked.pop("purposes")
    try:
        if purposes:
            withdrawallink.narrow(token=token, purposes=purposes, now=now, **asked)
        else:
            withdrawallink.use(token=token, now=now, **asked)
    except withdrawal.Unfinished:
        is_unfinished = True
    except narrowing.NarrowingRefused:  # somebody has withdrawn it altogether at this moment
        withdrawallink.find(token)
        raise
    context = {"team": consent.family.team, "is_unfinished": is_unfinished}
    if purposes:
        context |= {"means": [narrowing.MEANS[purpose] for purpose in narrowing.MEANS if purpose in purposes], "now": now}
        context |= {"is_held": narrowing.is_held(consent, on=timezone.localdate(now)), "is_one": not asked["is_everything"]}
        return _family_page(request, "recordings/withdraw_narrowed.html", context)
    return _family_page(request, "recordings/withdraw_done.html", {**context, "outcome": _outcome(consent)})


def _outcome(consent: Consent) -> withdrawal.Outcome:
    consent.refresh_from_db()
    return withdrawal.outcome(consent, on=timezone.localdate())


def _plainly(consent: Consent, others: list[withdrawal.Live]) -> dict[str, object]:
    kept = list(Recording.objects.kept().filter(consent__in=[consent, *(one.consent for one in others)]))
    now = timezone.now()
    return {
        "given_on": consent.given_on,
        "sessions": withdrawal.sessions(consent),
        "recordings": len(kept),
        "held_until": withdrawal.held_until(kept, on=timezone.localdate(now)),
        "unreadable_on": destruction.unreadable_on(now),
    }


def _over(request: HttpRequest, refusal: withdrawallink.LinkRefused) -> HttpResponse:
    """One page for every link that does not work; only whoever holds one of ours learns what became of the consent."""
    known = refusal.link
    if known is None:
        if _is_guessing(request):
            return _family_page(request, "recordings/withdraw_over.html", {"is_guessing": True}, status=429)
        return _family_page(request, "recordings/withdraw_over.html", {"reason": str(refusal)}, status=404)
    outcome = _outcome(known.consent) if known.consent.withdrawn_at else None
    context = {"reason": str(refusal), "outcome": outcome, "team": known.consent.family.team}
    return _family_page(request, "recordings/withdraw_over.html", context, status=410)


def _is_guessing(request: HttpRequest) -> bool:
    """Counts addresses that never were ours, per hour and place they come from. A link that works is never refused for it."""
    place = salted_hmac("recordings.withdraw", get_adapter().get_client_ip(request)).hexdigest()
    key = f"withdraw-wrong-{place}"
    cache.add(key, 0, WRONG_LINKS_SECONDS)
    try:
        return cache.incr(key) > WRONG_LINKS
    except ValueError:  # it ran out between the two
        return False


def _family_page(request: HttpRequest, template: str, context: Mapping[str, object], status: int = 200) -> HttpResponse:
    response = render(request, template, dict(context), status=status)
    request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)  # nothing here needs a cookie, so none is set
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


urlpatterns = [
    path("consents/<int:pk>/withdraw/", withdraw, name="consent-withdraw"),
    path("consents/<int:pk>/link/", link, name="consent-link"),
    path("consents/<int:pk>/links/end/", end_links, name="consent-links-end"),
    path("withdraw/<str:token>/", by_link, name="withdraw-by-link"),
]
