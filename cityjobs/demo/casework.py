"""What is written down of somebody from the diagnosis on: freins in versions, plan, agreements, situations, exit.

Both demos tell it alike: rows go to `write` as columns by name, whatever their table is filled by.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from cityjobs.demo import obstacles, words
from cityjobs.demo.days import Calendar
from cityjobs.demo.lifetimes import ExitReading, Lifetime, Lifetimes
from cityjobs.demo.obstacles import AIMS, OBSTACLES, Doing, Obstacle
from cityjobs.diagnosis.rules import FreinOwner, FreinStatus
from cityjobs.parcours.rules.reasons import ExitReason
from cityjobs.parcours.rules.situations import (
    NEVER_ASKED_AFTER,
    Moment,
    Situation,
    asked_again_on,
    derived_criteria,
)
from cityjobs.plans.rules import EtapeStatus, GoalStatus

Row = dict[str, Any]
_COUNTS, _COUNT_WEIGHTS = (1, 2, 3, 4, 5, 6), (8, 20, 28, 24, 14, 6)
_WEIGHTS = tuple(each.weight for each in OBSTACLES)
_AIM_WEIGHTS = tuple(each.weight for each in AIMS)
_OWNERS = (FreinOwner.REFERENT, FreinOwner.REFERENT, FreinOwner.PARTNER, FreinOwner.PERSON)
_FATES = (
    *(FreinStatus.LEVE,) * 9, *(FreinStatus.EN_COURS,) * 8, *(FreinStatus.IDENTIFIE,) * 5, FreinStatus.ABANDONNE,
    FreinStatus.SANS_OBJET,
)  # fmt: skip
_SETTLED = (FreinStatus.LEVE, FreinStatus.ABANDONNE)
_REASONS = ("absences", "emploi_trouve", "non_adapte", "personne_renonce", "partenaire_annule")
_RESULTS = ("atteint", "atteint", "atteint", "partiellement", "non_atteint")
_BEFORE = ("de_inscrit_ft_indemnise", "de_inscrit_ft_non_indemnise", "de_inscrit_ft_non_indemnise", "de_non_inscrit",
           "inactif_non_demandeur", "au_foyer")  # fmt: skip
_AFTER: dict[str, str] = {
    ExitReason.CDI: "emploi_cdi", ExitReason.CDD_6M_PLUS: "emploi_cdd_6m_plus", ExitReason.INTERIM_6M_PLUS: "interim",
    ExitReason.FONCTION_PUBLIQUE: "emploi_cdi", ExitReason.CREATION_ENTREPRISE: "independant",
    ExitReason.CDD_MOINS_6M: "emploi_cdd_moins_6m", ExitReason.INTERIM_MOINS_6M: "interim",
    ExitReason.CONTRAT_AIDE_HORS_IAE: "contrat_aide", ExitReason.FORMATION_QUALIFIANTE: "formation",
    ExitReason.FORMATION_PREQUALIFIANTE: "formation", ExitReason.EMBAUCHE_SIAE: "iae", ExitReason.ALTERNANCE: "alternance",
    ExitReason.REPRISE_ETUDES: "scolarise_etudiant", ExitReason.SERVICE_CIVIQUE: "service_civique",
    ExitReason.RETRAITE: "retraite", ExitReason.CONGE_MATERNITE_PARENTAL: "conge_parental",
}  # fmt: skip
_WITHOUT_JOB = ("moins_6m", "6_11m", "12_23m", "12_23m", "24m_plus", "24m_plus")
_LEVELS = ("n1", "n2", "n2", "n3", "n3", "n3", "n4", "n4", "n5", "n6", "nc")
_HOMES = (
    "locataire_social",
    "locataire_social",
    "locataire_social",
    "locataire_prive",
    "domicile_parental",
    "heberge_tiers",
)
_FAMILIES = (
    "celibataire",
    "celibataire",
    "concubinage",
    "marie",
    "couple_avec_enfants",
    "parent_isole",
    "separe",
)
_ALONE = ("celibataire",)
_REFERRED = ("france_travail", "france_travail", "mission_locale", "departement", "aucun")
_MOVING = (("transports_commun",), ("transports_commun", "velo_trottinette"), ("permis_b_sans_vehicule", "transports_commun"),
           ("permis_b_avec_vehicule",), ("permis_en_cours", "transports_commun"), ("aucun_moyen",))  # fmt: skip
_LIVING = (("rsa", "aide_logement"), ("rsa", "prestations_familiales", "aide_logement"), ("are",), ("ass",), ("aucune",),
           ("prime_activite", "salaire"), ("prestations_familiales",))  # fmt: skip
_DIGITAL = ("autonome", "avec_aide", "avec_aide", "non_autonome", "sans_equipement")
_FRENCH = ("natif", "natif", "natif", "a2", "b1", "b2")
_ARRANGING, _WRITING = 12, 15


@dataclass(slots=True)
class Stay:
    """One parcours as its référents know it; `last` is its end, or the last working day of an open one.

    `wishes`: « late » for an étape that should be over, « review » for an agreement to be reviewed, « whole » for a
    file in which there is something of everything, « exit » or « m3 » for a situation that nobody asked yet.
    """

    keys: Row
    diagnosed_on: date | None
    started_on: date | None
    ended_on: date | None
    last: date
    reason: str | None
    entry: Row
    trade: str
    who: Callable[[date], Any]
    partners: Mapping[str, Any]
    life: Lifetime | None = None
    wishes: frozenset[str] = frozenset()


@dataclass(slots=True)
class Known:
    """A frein as it was drawn, with the identifier of its row."""

    id: Any
    about: Obstacle
    status: FreinStatus
    identified_on: date | None
    settled_on: date | None


@dataclass(frozen=True)
class Pen:
    """How rows are written: a new identifier, a moment of a day (day, hour), a row of a table."""

    new_id: Callable[[], Any]
    moment: Callable[[date, int], Any]
    write: Callable[[str, Row], None]


class Casework:
    """Tells the casework of the parcours of one Cité.

    `late_share` is how many of the étapes under way should be over, `unasked_share` how many situations nobody asked.
    """

    def __init__(
        self,
        calendar: Calendar,
        dice: Random,
        pen: Pen,
        reading: ExitReading,
        *,
        late_share: float = 0.0,
        unasked_share: float = 0.0,
    ) -> None:
        self.calendar, self.dice, self.pen, self.reading = calendar, dice, pen, reading
        self.late_share, self.unasked_share = late_share, unasked_share
        self.lifetimes = Lifetimes(calendar, dice)

    def tell(self, stay: Stay) -> None:
        """Everything about one parcours, in the order of its tables."""
        if stay.diagnosed_on is None:
            return
        freins = self.diagnose(stay)
        if stay.started_on is None:
            return
        if stay.life is not None:
            self.live(stay, stay.life)
        self.agree(stay, self.plan(stay, freins))
        self.take_situations(stay)

    def pick(self, among: Sequence[Any]) -> Any:
        """One of them."""
        return among[int(self.dice.random() * len(among))]

    def between(self, first: date, last: date, share: float) -> date:
        """A working day at some share of the way from one to another."""
        return max(first, self.calendar.latest(first + timedelta(days=int((last - first).days * share))))

    def made(self, stay: Stay, day: date, by: str, at: str, hour: int = _WRITING) -> Row:
        """Who wrote a row, and when."""
        return {"id": self.pen.new_id(), **stay.keys, by: stay.who(day), at: self.pen.moment(day, hour)}

    # The diagnosis

    def diagnose(self, stay: Stay) -> list[Known]:
        """One version or two, freins as they stand, and as they stood in each."""
        first = stay.diagnosed_on
        assert first is not None  # noqa: S101
        whole, rand = "whole" in stay.wishes, self.dice.random
        finished = first if stay.started_on or stay.ended_on or rand() < 0.5 else None
        second = None
        if stay.started_on and (stay.last - first).days > 75 and (whole or rand() < 0.6):
            second = self.between(stay.started_on, stay.last, 0.5 + 0.3 * rand())
        versions = [(first, finished), *([(second, second)] if second else [])]
        portrait = self.portray(stay)
        identifiers = []
        for number, (opened_on, finished_on) in enumerate(versions, 1):
            row = self.made(stay, opened_on, "author_id", "created_at", _ARRANGING)
            identifiers.append(row["id"])
            self.pen.write(
                "diagnosis",
                row | portrait | {"number": number, "opened_on": opened_on, "finished_on": finished_on},
            )
        known = []
        for rank, about in enumerate(self.draw_obstacles(whole=whole)):
            known.append(self.tell_frein(stay, about, rank, finished, second, identifiers))
        return known

    def portray(self, stay: Stay) -> Row:
        """What a version says beside the freins."""
        return {
            "strengths": self.pick(obstacles.STRENGTHS),
            "project": self.pick(obstacles.PROJECTS).format(trade=stay.trade),
            "occupation": stay.trade[:1].upper() + stay.trade[1:],
            "sector": self.pick(obstacles.SECTORS),
            "radius_km": self.pick((5, 10, 10, 20, 30)),
            "working_time": self.pick(("plein", "plein", "partiel_choisi")),
            "contract": self.pick(("cdi", "cdd_6m_plus", "cdd_moins_6m")),
            "digital_autonomy": self.pick(_DIGITAL),
            "french_spoken": self.pick(_FRENCH),
            "french_written": self.pick(_FRENCH),
        }

    def draw_obstacles(self, *, whole: bool) -> list[Obstacle]:
        """Some freins, each once, the usual ones more often; five that move differently in a whole file."""
        if whole:
            wanted = ("mobilite", "garde_enfant_famille", "sante", "numerique", "isolement_confiance")
            return [each for each in OBSTACLES if each.code in wanted]
        count = self.dice.choices(_COUNTS, _COUNT_WEIGHTS)[0]
        drawn: dict[str, Obstacle] = {}
        for each in self.dice.choices(OBSTACLES, _WEIGHTS, k=count + 2):
            drawn[each.code] = each
        return list(drawn.values())[:count]

    def tell_frein(
        self,
        stay: Stay,
        about: Obstacle,
        rank: int,
        finished: date | None,
        second: date | None,
        versions: Sequence[Any],
    ) -> Known:
        """How one frein stood in each version, and how it stands now."""
        rand, first = self.dice.random, stay.diagnosed_on
        assert first is not None  # noqa: S101
        fate = FreinStatus.IDENTIFIE
        if "whole" in stay.wishes:
            fate = (
                FreinStatus.EN_COURS,
                FreinStatus.LEVE,
                FreinStatus.IDENTIFIE,
                FreinStatus.LEVE,
                FreinStatus.EN_COURS,
            )[rank]
        elif stay.started_on and (stay.last - stay.started_on).days > 40:
            fate = self.pick(_FATES)
        appeared = second if second and rank and rand() < 0.12 and "whole" not in stay.wishes else first
        settled_on = None
        if fate in _SETTLED and stay.started_on:
            until = second if second and rand() < 0.8 else stay.last
            settled_on = self.between(max(appeared, stay.started_on), until, 0.4 + 0.6 * rand())
        severity = self.pick((1, 2, 2, 3))
        lighter = max(1, severity - (rand() < 0.5))
        if rank == 0 and "whole" in stay.wishes:
            severity, lighter = 3, 2
        if fate is FreinStatus.SANS_OBJET:
            self.write_frein(stay, about, {"status": fate, "day": first})
            if finished and appeared == first:
                self.read_frein(stay, versions[0], about, fate, None, is_priority=False)
            return Known(None, about, fate, None, None)
        is_priority = rank < 2
        if finished and appeared == first:
            begun = FreinStatus.EN_COURS if rand() < 0.15 else FreinStatus.IDENTIFIE
            self.read_frein(stay, versions[0], about, begun, severity, is_priority=is_priority)
        if second:
            stands = fate
            if settled_on and settled_on > second:
                stands = FreinStatus.EN_COURS
            self.read_frein(stay, versions[1], about, stands, lighter, is_priority=is_priority)
        said = list(dict.fromkeys(self.pick(about.situations) for _ in range(1 + (rand() < 0.4))))
        frein_id = self.write_frein(
            stay,
            about,
            {
                "status": fate, "day": max(filter(None, (settled_on, second, first))), "severity": lighter if second else severity,
                "is_priority": is_priority, "owner": self.pick(_OWNERS), "situations": said, "identified_on": appeared,
                "settled_on": settled_on,
            },
        )  # fmt: skip
        return Known(frein_id, about, fate, appeared, settled_on)

    def write_frein(self, stay: Stay, about: Obstacle, stand: Row) -> Any:
        """The row of a frein; returns its identifier."""
        row = self.made(stay, stand.pop("day"), "recorded_by_id", "recorded_at", _ARRANGING)
        bare = dict.fromkeys(("severity", "owner", "identified_on", "settled_on"))
        self.pen.write(
            "frein", row | {"code": about.code, "is_priority": False, "situations": []} | bare | stand
        )
        return row["id"]

    def read_frein(
        self, stay: Stay, version: Any, about: Obstacle, status: FreinStatus, severity: int | None, *, is_priority: bool
    ) -> None:  # fmt: skip
        """How a frein stood in a version."""
        keys = {name: stay.keys[name] for name in ("cite_id", "person_id")}
        self.pen.write(
            "frein_reading",
            {"id": self.pen.new_id(), **keys, "diagnosis_id": version, "code": about.code, "status": status,
             "severity": severity, "is_priority": is_priority},
        )  # fmt: skip

    # The plan

    def plan(self, stay: Stay, freins: Sequence[Known]) -> list[Row]:
        """Goals about the first freins and about work, each with an étape or several; the goals, for the agreement."""
        started = stay.started_on
        assert started is not None  # noqa: S101
        rand, goals = self.dice.random, []
        present = [each for each in freins if each.id is not None][:3]
        for each in present:
            since = max(started, each.identified_on or started)
            status, settled_on = GoalStatus.OPEN, None
            if each.settled_on:
                status = GoalStatus.REACHED if each.status is FreinStatus.LEVE else GoalStatus.DROPPED
                settled_on = max(since, each.settled_on)
            goals.append(self.write_goal(stay, each.about, since, status, settled_on, each.id))
        whole = "whole" in stay.wishes
        aims = self.dice.choices(AIMS, _AIM_WEIGHTS, k=1 + (rand() < 0.6))
        for aim in (AIMS[1], AIMS[0]) if whole else dict.fromkeys(aims):
            status, settled_on = GoalStatus.OPEN, None
            if rand() < 0.3 and not whole:
                status, settled_on = GoalStatus.REACHED, self.between(started, stay.last, 0.6 + 0.4 * rand())
            goals.append(self.write_goal(stay, aim, started, status, settled_on, None))
        if whole:
            self.plan_everything(stay, goals)
        else:
            for goal in goals:
                for doing in goal["about"].doings[: 1 + (rand() < 0.45)]:
                    self.do(stay, goal, doing)
            if "late" in stay.wishes:
                open_goal = next((goal for goal in goals if goal["status"] is GoalStatus.OPEN), goals[-1])
                self.run_late(stay, open_goal, open_goal["about"].doings[-1])
        return goals

    def write_goal(
        self, stay: Stay, about: Obstacle, since: date, status: GoalStatus, settled_on: date | None, frein_id: Any
    ) -> Row:  # fmt: skip
        """One goal; none stays open once the parcours is over."""
        if stay.ended_on and status is GoalStatus.OPEN:
            reached = self.dice.random() < 0.5
            status, settled_on = GoalStatus.REACHED if reached else GoalStatus.DROPPED, stay.ended_on
        row = self.made(stay, since, "created_by_id", "created_at") | {
            "frein_id": frein_id, "code": about.goal_code, "label": about.goal, "status": status, "opened_on": since,
            "settled_on": settled_on,
        }  # fmt: skip
        self.pen.write("goal", row)
        return row | {"about": about}

    def do(self, stay: Stay, goal: Row, doing: Doing) -> None:
        """An étape wherever its days fall: over, under way or still ahead."""
        rand, until = self.dice.random, goal["settled_on"] or stay.last
        begins = self.between(goal["opened_on"], until, 0.75 * rand())
        ends = begins + timedelta(days=doing.days)
        facts: Row = {"planned_from": begins, "planned_to": ends, "started_on": begins}
        if ends <= until or goal["settled_on"]:
            ended_on = max(begins, self.calendar.latest(min(ends, until)))
            drawn = rand()
            if drawn < 0.82:
                facts |= {"status": EtapeStatus.REALISEE, "ended_on": ended_on, "result": self.pick(_RESULTS)}
            elif drawn < 0.93:
                facts |= {
                    "status": EtapeStatus.ABANDONNEE,
                    "ended_on": ended_on,
                    "abandon_reason": self.pick(_REASONS),
                }
            else:
                facts |= {"status": EtapeStatus.ANNULEE, "ended_on": ended_on, "started_on": None}
        elif rand() < self.late_share:
            facts |= {"status": EtapeStatus.EN_COURS, "planned_to": begins + (stay.last - begins) * 0.9}
        elif rand() < 0.2:
            ahead = self.calendar.today + timedelta(days=5 + int(25 * rand()))
            facts = {
                "status": EtapeStatus.PREVUE, "planned_from": ahead, "planned_to": ahead + timedelta(days=doing.days),
            }  # fmt: skip
        else:
            waiting = rand() < 0.15
            facts |= {
                "status": EtapeStatus.EN_ATTENTE if waiting else EtapeStatus.EN_COURS,
                "planned_to": max(ends, self.calendar.today + timedelta(days=3)),
            }
        self.write_etape(stay, goal, doing, facts)

    def plan_everything(self, stay: Stay, goals: Sequence[Row]) -> None:
        """One étape in every state, over the goals one after the other, one of them late."""
        started, last, today = stay.started_on, stay.last, self.calendar.today
        assert started is not None  # noqa: S101
        early, middle = self.between(started, last, 0.15), self.between(started, last, 0.5)
        over = {"planned_from": early, "planned_to": middle, "started_on": early, "ended_on": middle}
        ahead = {"planned_from": today + timedelta(days=6), "planned_to": today + timedelta(days=40)}
        under_way = {"planned_from": middle, "planned_to": today + timedelta(days=21), "started_on": middle}
        mobility, care, rights, writing, trying = goals
        for goal, rank, facts in (
            (care, 0, over | {"status": EtapeStatus.REALISEE, "result": "atteint"}),
            (mobility, 0, over | {"status": EtapeStatus.REALISEE, "result": "atteint"}),
            (mobility, 1, under_way | {"status": EtapeStatus.EN_COURS}),
            (mobility, 2, ahead | {"status": EtapeStatus.PREVUE}),
            (writing, 0, over | {"status": EtapeStatus.REALISEE, "result": "partiellement"}),
            (writing, 1, under_way | {"status": EtapeStatus.EN_ATTENTE}),
            (trying, 0, over | {"status": EtapeStatus.ABANDONNEE, "abandon_reason": "partenaire_annule"}),
            (trying, 1, over | {"status": EtapeStatus.ANNULEE, "started_on": None}),
        ):
            self.write_etape(stay, goal, goal["about"].doings[rank], facts)
        self.run_late(stay, rights, rights["about"].doings[0])

    def run_late(self, stay: Stay, goal: Row, doing: Doing) -> None:
        """An étape that should be over since some days."""
        begins = self.between(goal["opened_on"], stay.last, 0.5)
        ends = max(
            begins,
            self.calendar.latest(self.calendar.today - timedelta(days=4 + int(8 * self.dice.random()))),
        )
        facts = {
            "status": EtapeStatus.EN_COURS,
            "planned_from": begins,
            "planned_to": ends,
            "started_on": begins,
        }
        self.write_etape(stay, goal, doing, facts)

    def write_etape(self, stay: Stay, goal: Row, doing: Doing, facts: Row) -> None:
        """The row of an étape, and the goal that it is for."""
        dates = ("planned_from", "planned_to", "started_on", "ended_on", "result", "abandon_reason")
        row = self.made(stay, goal["opened_on"], "created_by_id", "created_at")
        self.pen.write(
            "etape",
            row
            | dict.fromkeys(dates)
            | {
                "type": doing.type, "label": doing.label, "hours": doing.hours, "cost_euros": doing.cost,
                "organisation_id": self.partner(stay, doing),
                "note": self.pick(obstacles.ETAPE_NOTES),
            }
            | facts,
        )  # fmt: skip
        self.pen.write("etape_goal", {**stay.keys, "etape_id": row["id"], "goal_id": goal["id"]})

    def partner(self, stay: Stay, doing: Doing) -> Any:
        """Who does it, when it is not the référent: an organisation of the collective that could."""
        able = [
            stay.partners[kind] for kind in obstacles.PARTNERS.get(doing.type, ()) if kind in stay.partners
        ]
        return self.pick(able) if able and self.dice.random() < 0.8 else None

    # The agreement

    def agree(self, stay: Stay, goals: Sequence[Row]) -> None:
        """An agreement at the entry, and another one whenever it was reviewed."""
        agreed_on = stay.started_on
        assert agreed_on is not None  # noqa: S101
        today, number = self.calendar.today, 1
        lasting = timedelta(days=91 if self.dice.random() < 0.6 else 182)
        while True:
            review_on, ended_on = agreed_on + lasting, None
            following = self.calendar.latest(review_on)
            if following < stay.last and following > agreed_on:
                ended_on = following
            elif stay.ended_on:
                ended_on = stay.ended_on
            elif "review" in stay.wishes or self.dice.random() < self.late_share:
                review_on = max(
                    agreed_on + timedelta(days=1), today - timedelta(days=int(8 * self.dice.random()))
                )
            elif review_on <= today:
                review_on = today + timedelta(days=6)
            self.write_agreement(stay, goals, number, agreed_on, review_on, ended_on)
            if ended_on is None or ended_on == stay.ended_on:
                return
            agreed_on, number = ended_on, number + 1

    def write_agreement(
        self, stay: Stay, goals: Sequence[Row], number: int, agreed_on: date, review_on: date, ended_on: date | None
    ) -> None:  # fmt: skip
        """One agreement with the goals that it names."""
        signed = self.dice.random() < 0.7
        row = self.made(stay, agreed_on, "created_by_id", "created_at") | {
            "number": number, "agreed_on": agreed_on, "review_on": review_on, "way": "signed" if signed else "spoken",
            "organisation_id": None, "ended_on": ended_on,
        }  # fmt: skip
        self.pen.write("agreement", row)
        for goal in goals:
            if goal["opened_on"] <= agreed_on and (not goal["settled_on"] or goal["settled_on"] >= agreed_on):
                self.pen.write(
                    "agreement_goal",
                    {**stay.keys, "agreement_id": row["id"], "goal_id": goal["id"], "label": goal["label"]},
                )

    # Jobs, suspensions, situations, exit

    def live(self, stay: Stay, life: Lifetime) -> None:
        """The suspensions and the jobs of a parcours, with what was asked of each, and its exit."""
        for pause in life.pauses:
            self.pen.write(
                "suspension",
                self.made(stay, pause.started_on, "created_by_id", "created_at")
                | {"reason": pause.reason, "started_on": pause.started_on, "expected_end_on": pause.expected_end_on,
                   "ended_on": pause.ended_on},
            )  # fmt: skip
        for job in life.jobs:
            row = self.made(stay, job.started_on, "created_by_id", "created_at") | {
                "kind": job.kind, "contract": job.contract, "occupation": stay.trade[:1].upper() + stay.trade[1:],
                "employer": self.pick(obstacles.EMPLOYERS) if job.kind == "contract" else None,
                "working_time": self.pick(("plein", "plein", "partiel_subi")), "started_on": job.started_on,
                "expected_end_on": job.expected_end_on, "ended_on": job.ended_on, "end_reason": job.end_reason,
            }  # fmt: skip
            self.pen.write("job", row)
            keys = {name: stay.keys[name] for name in ("cite_id", "person_id")}
            for moment, day in job.checks:
                self.pen.write(
                    "job_check",
                    {"id": self.pen.new_id(), **keys, "job_id": row["id"], "moment": moment, "done_on": day, "in_job": True,
                     "note": self.pick(obstacles.CHECK_NOTES), "recorded_by_id": stay.who(day),
                     "recorded_at": self.pen.moment(day, _WRITING)},
                )  # fmt: skip
        if stay.ended_on and stay.reason:
            counts = self.lifetimes.exit_of(self.reading, stay.reason, stay.ended_on, life)
            self.pen.write(
                "parcours_exit",
                {**stay.keys, **counts, "recorded_by_id": stay.who(stay.ended_on),
                 "recorded_at": self.pen.moment(stay.ended_on, 16)},
            )  # fmt: skip

    def take_situations(self, stay: Stay) -> None:
        """At the entry, then after the exit when it was asked: most often."""
        started = stay.started_on
        assert started is not None  # noqa: S101
        before = self.draw_situation(self.pick(_BEFORE))
        self.write_situation(stay, Moment.ENTRY, started, before)
        if not stay.ended_on or stay.reason in NEVER_ASKED_AFTER:
            return
        asked = [(Moment.EXIT, stay.ended_on)]
        asked += [(moment, asked_again_on(stay.ended_on, moment)) for moment in (Moment.M3, Moment.M6)]
        for moment, due in asked:
            day = max(due, self.calendar.latest(due + timedelta(days=int(6 * self.dice.random()))))
            if due >= self.calendar.today or moment.value in stay.wishes:
                return
            if self.dice.random() < self.unasked_share:
                continue
            after = self.draw_situation(_AFTER.get(str(stay.reason), "de_inscrit_ft_non_indemnise"), before)
            is_reached = moment is Moment.EXIT or self.dice.random() < 0.7
            self.write_situation(
                stay, moment, min(day, self.calendar.latest_past), after if is_reached else None
            )

    def draw_situation(self, situation: str, former: Mapping[str, Any] | None = None) -> Row:
        """What somebody's situation is; after an exit, only work and what one lives on have changed."""
        children = self.pick((0, 0, 0, 1, 1, 2, 2, 3))
        drawn = former or {
            "education": self.pick(_LEVELS), "housing": self.pick(_HOMES),
            "household": self.pick(_FAMILIES if children else (*_ALONE, "concubinage", "marie", "separe")),
            "children": children, "children_under_3": min(children, self.pick((0, 0, 1))),
            "mobility": self.pick(_MOVING), "organisme_referent": self.pick(_REFERRED),
            "months_without_job": self.pick(_WITHOUT_JOB),
        }  # fmt: skip
        works = situation in _AFTER.values()
        return dict(drawn) | {
            "situation": situation,
            "inscription_ft": "inscrit" if situation.startswith("de_inscrit") else self.pick(("radie_sorti", "ne_sait_pas")),
            "months_without_job": None if works else drawn["months_without_job"],
            "resources": ("salaire", "prime_activite") if works else self.pick(_LIVING),
        }  # fmt: skip

    def write_situation(self, stay: Stay, moment: Moment, day: date, said: Mapping[str, Any] | None) -> None:
        """The row of a situation; nothing but the day when nobody could be reached."""
        row = self.made(stay, day, "recorded_by_id", "recorded_at") | {"moment": moment, "taken_on": day}
        bare = dict.fromkeys(
            ("gender", "age", "in_qpv", "qpv_id", "situation", "inscription_ft", "months_without_job", "organisme_referent",
             "education", "housing", "household", "children", "children_under_3")
        )  # fmt: skip
        row |= bare | {"is_reached": said is not None, "resources": (), "mobility": (), "criteria": ()}
        if said is not None:
            follows = derived_criteria(Situation(**said), age=stay.entry["age"], in_qpv=stay.entry["in_qpv"])
            row |= stay.entry | dict(said) | {"criteria": follows}
        self.pen.write("situation_snapshot", row)


def trade_of(dice: Random) -> str:
    """What somebody would like to work as."""
    return words.TRADES[int(dice.random() * len(words.TRADES))]
