"""The 14 Cités de l’emploi of Hauts-de-France as they were labelled: what a new installation starts from.

Facts only, which administrators then edit. A perimeter is the narrowest reading of the label: the communes
named by it, or, where it named a community of communes, those over which its QPV extend. Positions are
degrees of WGS 84, of the main town. Sources: decree 2023-1314 (QPV of 2024), INSEE codes of communes.
"""

from dataclasses import dataclass

PROGRAMME_NAME = "Cités de l’emploi"
LAST_NATIONAL_YEAR = 2024
YEARLY_ENVELOPE = 100_000
HALVED_ENVELOPE = 50_000


@dataclass(frozen=True)
class CiteFacts:
    """One label; `communes` are INSEE codes and `qpvs` QPV codes, separated by spaces."""

    slug: str
    name: str
    labelled_year: int
    longitude: float
    latitude: float
    communes: str
    qpvs: str


@dataclass(frozen=True)
class QpvFacts:
    """One QPV of 2024 and the INSEE codes of the communes over which it extends."""

    code: str
    name: str
    communes: str


def envelope_of(year: int) -> int:
    """Euros granted to each Cité for a year of the national programme: halved in its last one."""
    return HALVED_ENVELOPE if year == LAST_NATIONAL_YEAR else YEARLY_ENVELOPE


def national_years(labelled_year: int) -> range:
    """The years during which a Cité received the national grant."""
    return range(labelled_year, LAST_NATIONAL_YEAR + 1)


CITES = (
    CiteFacts("calais", "Calais", 2021, 1.869, 50.952, "62193", "QN06253M QN06254M"),
    CiteFacts(
        "saint-omer",
        "CA du Pays de Saint-Omer",
        2021,
        2.265,
        50.767,
        "62014 62040 62525 62765",
        "QN06236M QN06237M QN06256M",
    ),
    CiteFacts("roubaix", "Roubaix", 2021, 3.184, 50.689, "59512", "QN05969M QN05980M QN05981M"),
    CiteFacts("lille", "Lille", 2021, 3.047, 50.631, "59350", "QN05971M QN05972M QN05973M QN05974M QN05978M"),
    CiteFacts(
        "arras",
        "CU d’Arras",
        2021,
        2.768,
        50.289,
        "62004 62041 62753 62764",
        "QN06258M QN06259M QN06260M QN06261M QN06262M QN06263M",
    ),
    CiteFacts(
        "coeur-ostrevent",
        "CA Cœur d’Ostrevent",
        2021,
        3.272,
        50.359,
        "59008 59024 59185 59314 59390 59414 59456 59501 59574",
        "QN05934M QN05935M QN05936M QN05937M QN05938M QN05939M QN05940M QN05994I",
    ),
    CiteFacts(
        "amiens",
        "Amiens métropole",
        2021,
        2.285,
        49.899,
        "80021",
        "QN08001M QN08002M QN08003M QN08004M QN08005M QN08006M QN08010N",
    ),
    CiteFacts("beauvais", "Beauvais", 2021, 2.088, 49.443, "60057", "QN06009I QN06010I QN06011M"),
    CiteFacts("creil", "Creil", 2021, 2.484, 49.256, "60175", "QN06001M QN06019N"),
    CiteFacts(
        "saint-quentin", "Saint-Quentin", 2021, 3.279, 49.847, "02691", "QN00201M QN00202M QN00203M QN00204M"
    ),
    CiteFacts(
        "fourmies-hirson-le-quesnoy",
        "Fourmies – Hirson – Le Quesnoy",
        2021,
        4.059,
        50.006,
        "02381 59249 59481",
        "QN00205M QN00206M QN05943M QN05944M",
    ),
    CiteFacts(
        "porte-du-hainaut",
        "CA Porte du Hainaut",
        2021,
        3.392,
        50.329,
        "59014 59079 59112 59172 59179 59205 59207 59361 59491 59504 59526 59564 59606 59632",
        "QN05920M QN05921M QN05922M QN05930M QN05950M QN05951M QN05952M QN05953M QN05954M QN05955M QN05956M "
        "QN05957M QN05958M",
    ),
    CiteFacts("valenciennes", "Valenciennes", 2020, 3.514, 50.362, "59606", "QN05921M QN05930M QN05931M"),
    CiteFacts(
        "maubeuge", "Maubeuge", 2020, 3.961, 50.283, "59392", "QN05915M QN05916M QN05917M QN05918M QN05919M"
    ),
)

QPVS = (
    QpvFacts("QN00201M", "Europe", "02571 02691"),
    QpvFacts("QN00202M", "Faubourg D’Isle", "02691"),
    QpvFacts("QN00203M", "Neuville", "02691"),
    QpvFacts("QN00204M", "Vermandois", "02691"),
    QpvFacts("QN00205M", "Champ Roland Et Bords De L’Oise", "02381"),
    QpvFacts("QN00206M", "Gare Et Verrière", "02381"),
    QpvFacts("QN05915M", "Pont De Pierre", "59392"),
    QpvFacts("QN05916M", "Provinces françaises - La Joyeuse", "59392"),
    QpvFacts("QN05917M", "L’Epinette", "59392"),
    QpvFacts(
        "QN05918M",
        "Quartier Intercommunal Sous-Le Bois Montplaisir Rue D’Hautmont",
        "59291 59365 59392 59424",
    ),
    QpvFacts("QN05919M", "Louvroil centre", "59365 59392"),
    QpvFacts("QN05920M", "Verrerie - Square République", "59014 59491"),
    QpvFacts("QN05921M", "Zone Intercommunale Rives De L’Escaut", "59014 59079 59112 59491 59606"),
    QpvFacts("QN05922M", "Cité Thiers - Cité Du Rivage - Brunehaut", "59112 59207 59491"),
    QpvFacts("QN05930M", "Dutemple Chasse Royale Saint Waast - La Sentinelle", "59014 59564 59606"),
    QpvFacts("QN05931M", "Zone Intercommunale Faubourg De Cambrai - La Briquette", "59383 59606"),
    QpvFacts("QN05934M", "Quartier Prioritaire d’Aniche", "59008 59024"),
    QpvFacts("QN05935M", "Quartier Prioritaire D’Auberchicourt Et Ecaillon", "59024 59185 59390"),
    QpvFacts("QN05936M", "Quartier Prioritaire De Masny", "59390"),
    QpvFacts("QN05937M", "Quartier Prioritaire De Montigny En Ostrevent", "59414"),
    QpvFacts("QN05938M", "Barrois", "59414 59456"),
    QpvFacts("QN05939M", "Lemay Sainte Marie", "59456"),
    QpvFacts("QN05940M", "Quartier Prioritaire De Somain", "59501 59574"),
    QpvFacts("QN05943M", "Coeur D’Etoile", "59481"),
    QpvFacts("QN05944M", "Fourmies", "59249"),
    QpvFacts("QN05950M", "Denain", "59172"),
    QpvFacts("QN05951M", "Liberté Vieux Douchy", "59179"),
    QpvFacts("QN05952M", "Schneider", "59205 59361 59504"),
    QpvFacts("QN05953M", "Couture Savonnerie", "59205"),
    QpvFacts("QN05954M", "Gambetta", "59172 59205 59361"),
    QpvFacts("QN05955M", "Sabatier", "59491"),
    QpvFacts("QN05956M", "Elnon", "59526"),
    QpvFacts("QN05957M", "Collinière", "59526"),
    QpvFacts("QN05958M", "Arenberg", "59491 59632"),
    QpvFacts(
        "QN05969M", "Quartier Intercommunal Hautchamps Longchamp - Lionderie - 3 Baudets", "59299 59367 59512"
    ),
    QpvFacts("QN05971M", "Secteur Ouest", "59350"),
    QpvFacts("QN05972M", "Secteur Sud", "59220 59346 59350 59360"),
    QpvFacts("QN05973M", "Secteur Nord Est", "59350"),
    QpvFacts("QN05974M", "Secteur Nord", "59350"),
    QpvFacts("QN05978M", "Nouveau Mons - Les Sarts- Dombrowski", "59009 59350 59410"),
    QpvFacts(
        "QN05980M",
        "Quartier Intercommunal Roubaix-Tourcoing - Blanc Seau - Croix Bas Saint Pierre - Wattrelos Nord",
        "59163 59512 59599 59650",
    ),
    QpvFacts("QN05981M", "Nouveau Roubaix", "59512"),
    QpvFacts("QN05994I", "Quartier prioritaire de Hornaing", "59314"),
    QpvFacts("QN06001M", "Les Hauts de Creil", "60175"),
    QpvFacts("QN06009I", "Saint Jean", "60057"),
    QpvFacts("QN06010I", "Saint Lucien", "60057"),
    QpvFacts("QN06011M", "Argentine", "60057"),
    QpvFacts("QN06019N", "Jaurès - Gournay", "60175 60414"),
    QpvFacts("QN06236M", "Saint-Exupéry - Léon Blum", "62040 62525 62765"),
    QpvFacts("QN06237M", "Quai Du commerce - Saint Sépulcre", "62765"),
    QpvFacts("QN06253M", "Fort Nieulay - Cailloux - Saint-Pierre", "62193"),
    QpvFacts("QN06254M", "Beau Marais", "62193"),
    QpvFacts("QN06256M", "Centre Historique", "62014"),
    QpvFacts("QN06258M", "Quatre As", "62004"),
    QpvFacts("QN06259M", "Quartier Bonnettes - Saint Pol - Baudimont", "62041"),
    QpvFacts("QN06260M", "Quartier Blancs Monts - Hochettes", "62041"),
    QpvFacts("QN06261M", "Saint Michel Goudemand", "62041"),
    QpvFacts("QN06262M", "Cheminots Jean Jaurès Moulin Hacart", "62004 62041"),
    QpvFacts("QN06263M", "Quartier Chanteclair - Cévennes", "62753 62764"),
    QpvFacts("QN08001M", "Etouvie", "80021"),
    QpvFacts("QN08002M", "Pierre Rollin", "80021"),
    QpvFacts("QN08003M", "Amiens Nord", "80021"),
    QpvFacts("QN08004M", "Marcel Paul - Salamandre", "80021"),
    QpvFacts("QN08005M", "Condorcet - Philéas Lebesgue", "80021"),
    QpvFacts("QN08006M", "Les Parcheminiers", "80021"),
    QpvFacts("QN08010N", "Elbeuf-Lescouvé", "80021"),
)

COMMUNES = {
    "02381": "Hirson",
    "02571": "Omissy",
    "02691": "Saint-Quentin",
    "59008": "Aniche",
    "59009": "Villeneuve-d’Ascq",
    "59014": "Anzin",
    "59024": "Auberchicourt",
    "59079": "Beuvrages",
    "59112": "Bruay-sur-l’Escaut",
    "59163": "Croix",
    "59172": "Denain",
    "59179": "Douchy-les-Mines",
    "59185": "Écaillon",
    "59205": "Escaudain",
    "59207": "Escautpont",
    "59220": "Faches-Thumesnil",
    "59249": "Fourmies",
    "59291": "Hautmont",
    "59299": "Hem",
    "59314": "Hornaing",
    "59346": "Lezennes",
    "59350": "Lille",
    "59360": "Loos",
    "59361": "Lourches",
    "59365": "Louvroil",
    "59367": "Lys-lez-Lannoy",
    "59383": "Marly",
    "59390": "Masny",
    "59392": "Maubeuge",
    "59410": "Mons-en-Barœul",
    "59414": "Montigny-en-Ostrevent",
    "59424": "Neuf-Mesnil",
    "59456": "Pecquencourt",
    "59481": "Le Quesnoy",
    "59491": "Raismes",
    "59501": "Rieulay",
    "59504": "Rœulx",
    "59512": "Roubaix",
    "59526": "Saint-Amand-les-Eaux",
    "59564": "La Sentinelle",
    "59574": "Somain",
    "59599": "Tourcoing",
    "59606": "Valenciennes",
    "59632": "Wallers",
    "59650": "Wattrelos",
    "60057": "Beauvais",
    "60175": "Creil",
    "60414": "Montataire",
    "62004": "Achicourt",
    "62014": "Aire-sur-la-Lys",
    "62040": "Arques",
    "62041": "Arras",
    "62193": "Calais",
    "62525": "Longuenesse",
    "62753": "Saint-Laurent-Blangy",
    "62764": "Saint-Nicolas",
    "62765": "Saint-Omer",
    "80021": "Amiens",
}
