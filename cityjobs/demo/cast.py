"""Who works in the demo and for whom: organisations of three collectives, and professionals with their missions."""

from dataclasses import dataclass

from cityjobs.core.permissions import Role
from cityjobs.territory.rules import OrganisationFamily

COLLECTIVITE = OrganisationFamily.COLLECTIVITE
EMPLOI = OrganisationFamily.SERVICE_PUBLIC_EMPLOI
ASSOCIATION = OrganisationFamily.ASSOCIATION
ENTREPRISE = OrganisationFamily.ENTREPRISE


@dataclass(frozen=True)
class House:
    """An organisation of one or several collectives; `cites` are slugs separated by spaces, `leads` one of them."""

    name: str
    family: OrganisationFamily
    kind: str
    cites: str
    leads: str | None = None
    is_sensitive: bool = False


@dataclass(frozen=True)
class Mission:
    """As what somebody works, where and for which organisation; `capacity` overrides the Cité's."""

    role: Role
    cite: str
    house: str
    capacity: int | None = None


@dataclass(frozen=True)
class Worker:
    """A professional of the demo."""

    email: str
    first_name: str
    last_name: str
    missions: tuple[Mission, ...]


HOUSES = (
    House("Ville de Roubaix (démo)", COLLECTIVITE, "COMMUNE", "roubaix", leads="roubaix"),
    House("CCAS de Roubaix (démo)", COLLECTIVITE, "CCAS", "roubaix"),
    House("Département du Nord (démo)", COLLECTIVITE, "DEPT", "roubaix maubeuge"),
    House("Direction de l’emploi du Nord (démo)", COLLECTIVITE, "ETAT", "roubaix maubeuge calais"),
    House("France Travail Roubaix (démo)", EMPLOI, "FT", "roubaix"),
    House("Mission locale de Roubaix (démo)", EMPLOI, "ML", "roubaix"),
    House("Cap emploi de la métropole (démo)", EMPLOI, "CAP_EMPLOI", "roubaix"),
    House("Maison de l’emploi du Conte (démo)", EMPLOI, "MDE", "roubaix"),
    House("Association Les Trois Fables", ASSOCIATION, "ASSO_PROXIMITE", "roubaix"),
    House("Centre social du Roman", ASSOCIATION, "CENTRE_SOCIAL", "roubaix"),
    House("Adultes-relais de la Fiction", ASSOCIATION, "ADULTE_RELAIS", "roubaix"),
    House("Écoute du Petit-Poucet", ASSOCIATION, "CSAPA", "roubaix", is_sensitive=True),
    House("Auto-école sociale du Chat-Botté", ASSOCIATION, "MOBILITE", "roubaix calais"),
    House("Blanchisserie des Chimères", ENTREPRISE, "EI", "roubaix"),
    House("Logistique Nulle-Part", ENTREPRISE, "ENTREPRISE", "roubaix"),
    House("Ville de Calais (démo)", COLLECTIVITE, "COMMUNE", "calais", leads="calais"),
    House("France Travail Calais (démo)", EMPLOI, "FT", "calais"),
    House("Mission locale du Calaisis (démo)", EMPLOI, "ML", "calais"),
    House("Centre social des Embruns imaginaires", ASSOCIATION, "CENTRE_SOCIAL", "calais"),
    House("Dentelles et Récits", ENTREPRISE, "ENTREPRISE", "calais"),
    House("Agglomération de Maubeuge (démo)", COLLECTIVITE, "EPCI", "maubeuge", leads="maubeuge"),
    House("France Travail Maubeuge (démo)", EMPLOI, "FT", "maubeuge"),
    House("Régie de quartier de l’Exemple", ASSOCIATION, "REGIE_QUARTIER", "maubeuge"),
    House("Atelier des Songes", ENTREPRISE, "ACI", "maubeuge"),
)

_FABLES, _MAISON = "Association Les Trois Fables", "Maison de l’emploi du Conte (démo)"

WORKERS = (
    Worker("referent@roubaix.example", "Samira", "Benroman", (Mission(Role.REFERENT, "roubaix", _FABLES),)),
    Worker(
        "coordination@roubaix.example", "Hélène", "Duroman", (Mission(Role.COORDINATOR, "roubaix", _MAISON),)
    ),
    Worker(
        "chef-de-file@roubaix.example",
        "Philippe",
        "Lachronique",
        (Mission(Role.CHEF_DE_FILE, "roubaix", "Ville de Roubaix (démo)"),),
    ),
    Worker(
        "partenaire@roubaix.example",
        "Cécile",
        "Verhaalde",
        (Mission(Role.PARTNER, "roubaix", "France Travail Roubaix (démo)"),),
    ),
    Worker(
        "reperage@roubaix.example",
        "Djamel",
        "Hikayati",
        (Mission(Role.SPOTTER, "roubaix", "Adultes-relais de la Fiction"),),
    ),
    Worker(
        "financeur@roubaix.example",
        "Anne",
        "Prologuin",
        tuple(
            Mission(Role.FUNDER, slug, "Direction de l’emploi du Nord (démo)")
            for slug in ("roubaix", "maubeuge")
        ),
    ),
    Worker(
        "administration@roubaix.example",
        "Marc",
        "Lexemple",
        (Mission(Role.ADMINISTRATOR, "roubaix", "Ville de Roubaix (démo)"),),
    ),
    Worker(
        "karim.contebrun@roubaix.example",
        "Karim",
        "Contebrun",
        (Mission(Role.REFERENT, "roubaix", _MAISON, capacity=30),),
    ),
    Worker(
        "aurelie.fabliaux@roubaix.example",
        "Aurélie",
        "Fabliaux",
        (Mission(Role.REFERENT, "roubaix", "Mission locale de Roubaix (démo)"),),
    ),
    Worker(
        "fatou.sangriot@deux-cites.example",
        "Fatou",
        "Sangriot",
        (
            Mission(Role.REFERENT, "roubaix", "Auto-école sociale du Chat-Botté", capacity=20),
            Mission(Role.REFERENT, "calais", "Auto-école sociale du Chat-Botté", capacity=20),
        ),
    ),
    Worker(
        "lea.rimailleux@roubaix.example",
        "Léa",
        "Rimailleux",
        (Mission(Role.SPOTTER, "roubaix", "Centre social du Roman"),),
    ),
    Worker(
        "referent@calais.example",
        "Julien",
        "Vanderconte",
        (Mission(Role.REFERENT, "calais", "Centre social des Embruns imaginaires"),),
    ),
    Worker(
        "coordination@calais.example",
        "Wanda",
        "Powiastka",
        (Mission(Role.COORDINATOR, "calais", "Ville de Calais (démo)"),),
    ),
    Worker(
        "ines.lendeira@calais.example",
        "Inès",
        "Lendeira",
        (Mission(Role.REFERENT, "calais", "Mission locale du Calaisis (démo)"),),
    ),
    Worker(
        "bruno.strophard@calais.example",
        "Bruno",
        "Strophard",
        (Mission(Role.SPOTTER, "calais", "Centre social des Embruns imaginaires"),),
    ),
    Worker(
        "administration@calais.example",
        "Odile",
        "Sprookaert",
        (Mission(Role.ADMINISTRATOR, "calais", "Ville de Calais (démo)"),),
    ),
    Worker(
        "referent@maubeuge.example",
        "Malika",
        "Oulhikaya",
        (Mission(Role.REFERENT, "maubeuge", "Régie de quartier de l’Exemple"),),
    ),
    Worker(
        "thomas.versaunier@maubeuge.example",
        "Thomas",
        "Versaunier",
        (Mission(Role.REFERENT, "maubeuge", "France Travail Maubeuge (démo)"),),
    ),
    Worker(
        "coordination@maubeuge.example",
        "Sylvie",
        "Delalégende",
        (Mission(Role.COORDINATOR, "maubeuge", "Agglomération de Maubeuge (démo)"),),
    ),
    Worker(
        "chef-de-file@maubeuge.example",
        "Gérard",
        "Récitdoux",
        (Mission(Role.CHEF_DE_FILE, "maubeuge", "Agglomération de Maubeuge (démo)"),),
    ),
    Worker(
        "reperage@maubeuge.example",
        "Awa",
        "Talindiaye",
        (Mission(Role.SPOTTER, "maubeuge", "Régie de quartier de l’Exemple"),),
    ),
)
