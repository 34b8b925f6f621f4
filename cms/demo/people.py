"""The invented people of the demo. One password for all of them; the demo says so on its sign-in page."""

from dataclasses import dataclass

PASSWORD = "plumbline demo"  # noqa: S105 (the demo's, printed at start)

HARBOUR, MEADOW = "harbour", "meadow"
TEAMS = {
    HARBOUR: ("Harbour MST team", "mst"),
    MEADOW: ("Meadow MST-CAN team", "mst-can"),
}
PROGRAMMES = {
    "mst": ("MST", "Multisystemic Therapy"),
    "mst-can": ("MST-CAN", "Multisystemic Therapy for Child Abuse and Neglect"),
}
KEPT_DAYS = {"mst-can": 60}  # after the upload, where it is not the usual time
ORGANISATION = "Northport Family Services"


@dataclass(frozen=True)
class Person:
    """`joined`: days before the demo was loaded. `learning`: "done", or the number of orientation lessons finished."""

    first_name: str
    last_name: str
    role: str
    teams: tuple[str, ...]
    joined: int
    learning: int | str = 0
    note: str = ""

    @property
    def email(self) -> str:
        return f"{self.first_name.lower()}@{self.teams[0] if self.teams else 'northport'}.example"


PEOPLE = (
    Person("Thea", "Ashworth", "therapist", (HARBOUR,), 11, 6, "new therapist, on day 2 of the orientation"),
    Person("Tom", "Adeyemi", "therapist", (HARBOUR,), 400, "done", "therapist: feedback to hear, a recording to follow"),
    Person("Priya", "Nair", "therapist", (HARBOUR,), 130, "done", "therapist: a family to send a recording for"),
    Person("Sam", "Whitlock", "supervisor", (HARBOUR,), 700, "done", "supervisor: who is in date for what"),
    Person("Bea", "Lindqvist", "backup_supervisor", (HARBOUR,), 20, "done", "back-up supervisor, covering until a date"),
    Person("Cora", "Mensah", "consultant", (HARBOUR, MEADOW), 500, 0, "consultant of both teams: sessions to rate, one to compare"),
    Person("Ada", "Fielding", "administrator", (HARBOUR,), 300, 0, "administrator: people, invitations, attendance"),
    Person("Olly", "Barrett", "therapist", (MEADOW,), 45, 17, "therapist, overdue with the orientation"),
    Person("Nia", "Prosser", "therapist", (MEADOW,), 260, "done", "therapist with reviewed recording"),
    Person("Rhys", "Calder", "therapist", (MEADOW,), 3, 0, "joined this week"),
    Person("Jo", "Hartley", "supervisor", (MEADOW,), 520, "done", "supervisor of the other team"),
    Person("Kit", "Marlow", "administrator", (MEADOW,), 210, 0, "administrator"),
    Person("Mona", "Redfern", "service_manager", (), 600, 0, "service manager: both teams, no recordings"),
    Person("Ed", "Carver", "content_editor", (), 90, 0, "content editor: courses in the Wagtail admin"),
    Person("Ines", "Farrow", "ig_lead", (), 350, 0, "information governance lead: consent, listening, destruction"),
    Person("Carl", "Osborne", "consultant", (HARBOUR,), 320, 0, "second consultant: one session to compare with Cora"),
    Person("Ravi", "Holt", "ig_lead", (), 200, 0, "second governance lead: agrees to what Ines asks for"),
)

# The accounts that the tour uses, in its order.
SHOWN = ("Thea", "Priya", "Cora", "Carl", "Tom", "Sam", "Ada", "Ines", "Ravi", "Mona", "Ed", "Jo")
