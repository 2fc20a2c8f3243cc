"""What stands in the way of the demo's persons and what is done about it: freins, goals, étapes, portraits, kept plans.

Codes are of the national lists; sentences are our own and hold no sensitive word.
"""

from dataclasses import dataclass

from cityjobs.plans.rules import KeptLine


@dataclass(frozen=True)
class Doing:
    """One étape that may be planned; `hours` and `cost` when it has any."""

    type: str
    label: str
    days: int = 30
    hours: int | None = None
    cost: int | None = None


@dataclass(frozen=True)
class Obstacle:
    """A frein with how often it is met, the situations that it is told by, and what is planned about it."""

    code: str
    weight: int
    situations: tuple[str, ...]
    goal_code: str
    goal: str
    doings: tuple[Doing, ...]


OBSTACLES = (
    Obstacle(
        "mobilite", 30, ("transports_commun_seuls", "horaires_decales_sans_transport", "sans_transport"),
        "obtenir_permis", "Passer le permis",
        (
            Doing("mobilite_conseil", "Bilan de mobilité à l’auto-école sociale", 14, 3),
            Doing("permis_code", "Code de la route, deux séances par semaine", 75, 40, 300),
            Doing("permis_conduite", "Leçons de conduite", 100, 30, 1200),
        ),
    ),
    Obstacle(
        "garde_enfant_famille", 24, ("enfant_sans_garde", "contraintes_horaires", "autres_contraintes_famille"),
        "garde_enfants", "Trouver une garde pour les matinées",
        (
            Doing("garde_enfant_solution", "Dossier à la crèche de quartier", 40),
            Doing("garde_enfant_solution", "Rencontre avec une assistante maternelle", 20),
        ),
    ),
    Obstacle(
        "sante", 9, ("metiers_exclus", "couverture_a_mettre_a_jour", "acces_professionnel_sante"),
        "acces_droits_soins", "Mettre ses droits à jour",
        (Doing("acces_soins", "Rendez-vous à la caisse pour la mutuelle", 30),),
    ),
    Obstacle(
        "langue", 18, ("comprehension_orale", "fle_en_cours", "ecrit_a_travailler"),
        "apprendre_francais", "Être à l’aise à l’oral en français",
        (Doing("fle_asl", "Atelier de français, deux matinées par semaine", 120, 96),),
    ),
    Obstacle(
        "savoirs_base", 9, ("calcul_difficile", "lecture_non_maitrisee"),
        "ameliorer_ecrit", "Remplir seul un planning et un bon de livraison",
        (Doing("illettrisme_clea", "Atelier des savoirs de base", 90, 60),),
    ),
    Obstacle(
        "logement", 14, ("loyer_difficile", "doit_quitter_logement", "territoire_isole"),
        "acceder_logement", "Avoir un logement stable",
        (
            Doing("demarche_logement", "Demande de logement social déposée ensemble", 30),
            Doing("demarche_logement", "Permanence du bailleur", 21),
        ),
    ),
    Obstacle(
        "finances", 17, ("baisse_ressources", "gestion_budget"),
        "gestion_budgetaire", "Tenir son budget jusqu’à la fin du mois",
        (Doing("budget_surendettement", "Point budget au CCAS", 25, 2),),
    ),
    Obstacle(
        "administratif_juridique", 20, ("demarche_difficile", "guide_acces_droits", "avis_imposition"),
        "acces_droits", "Avoir ses droits ouverts",
        (
            Doing("demarche_droits", "Ouverture de droits à la maison France services", 21),
            Doing("inscription_ft", "Inscription à France Travail", 10),
        ),
    ),
    Obstacle(
        "numerique", 21, ("sans_ordinateur", "demarches_en_ligne_difficiles", "codes_perdus"),
        "demarches_seul", "Faire ses démarches en ligne sans aide",
        (
            Doing("atelier_numerique_pix", "Atelier numérique à la médiathèque", 45, 12),
            Doing("equipement_numerique", "Ordinateur reconditionné", 20, None, 90),
        ),
    ),
    Obstacle(
        "besoins_essentiels", 6, ("vetements_travail", "soutien_alimentaire"),
        "tenue_travail", "Avoir une tenue pour l’entretien",
        (Doing("orientation_partenaire", "Vestiaire solidaire", 14),),
    ),
    Obstacle(
        "isolement_confiance", 22, ("confiance", "longue_inactivite", "isolement"),
        "reprendre_confiance", "Reprendre confiance",
        (
            Doing("atelier_confiance", "Atelier «\u00a0Prendre la parole\u00a0»", 42, 18),
            Doing("activite_sport_culture", "Chorale du centre social", 90),
            Doing("parrainage_mentorat", "Rencontres avec un parrain", 90),
        ),
    ),
    Obstacle(
        "discrimination", 5, ("refus_repetes", "adresse_stigmatisee"),
        "elargir_reseau", "Rencontrer d’autres employeurs",
        (Doing("job_dating_forum", "Forum des métiers de proximité", 10),),
    ),
)  # fmt: skip

AIMS = (
    Obstacle(
        "choisir_un_metier", 3, (), "confirmer_choix", "Confirmer le choix du métier",
        (
            Doing("enquete_metier", "Enquête auprès de trois professionnels", 30),
            Doing("pmsmp_immersion", "Immersion de deux semaines", 14, 70),
        ),
    ),
    Obstacle(
        "preparer_sa_candidature", 4, (), "cv_lettre_faire", "Avoir un CV et une lettre",
        (
            Doing("cv_lettre", "Atelier CV et lettre", 21, 6),
            Doing("simulation_entretien", "Simulation d’entretien avec un employeur", 14, 2),
        ),
    ),
    Obstacle(
        "se_former", 2, (), "trouver_formation", "Entrer en formation",
        (
            Doing("formation_prequalifiante", "Remise à niveau avant la formation", 60, 140),
            Doing("habilitation_caces_ssiap", "Habilitation pour le poste", 20, 35, 650),
        ),
    ),
    Obstacle(
        "trouver_un_emploi", 4, (), "repondre_offres", "Répondre à cinq offres par mois",
        (
            Doing("mise_en_relation", "Mise en relation avec une entreprise du collectif", 20),
            Doing("orientation_siae", "Orientation vers une structure d’insertion", 30),
        ),
    ),
)  # fmt: skip
"""Goals about work: their `code` is of « besoin_professionnel », not a frein."""

PARTNERS = {
    "mobilite_conseil": ("MOBILITE",), "permis_code": ("MOBILITE",), "permis_conduite": ("MOBILITE",),
    "garde_enfant_solution": ("CCAS", "CENTRE_SOCIAL"), "fle_asl": ("CENTRE_SOCIAL", "ASSO_PROXIMITE"),
    "illettrisme_clea": ("ASSO_PROXIMITE",), "demarche_logement": ("CCAS",), "budget_surendettement": ("CCAS",),
    "demarche_droits": ("CCAS", "COMMUNE"), "inscription_ft": ("FT",), "atelier_numerique_pix": ("COMMUNE", "CENTRE_SOCIAL"),
    "equipement_numerique": ("ASSO_PROXIMITE",), "orientation_partenaire": ("ASSO_PROXIMITE", "CCAS"),
    "atelier_confiance": ("CENTRE_SOCIAL",), "activite_sport_culture": ("CENTRE_SOCIAL",), "parrainage_mentorat": ("MDE", "ML"),
    "job_dating_forum": ("MDE", "FT"), "cv_lettre": ("FT", "ML"), "simulation_entretien": ("MDE", "ENTREPRISE"),
    "formation_prequalifiante": ("FT",), "habilitation_caces_ssiap": ("FT",), "pmsmp_immersion": ("ENTREPRISE", "EI", "ACI"),
    "mise_en_relation": ("ENTREPRISE", "MDE"), "orientation_siae": ("EI", "ACI", "REGIE_QUARTIER"),
}  # fmt: skip
"""Which kinds of organisations do what."""

STRENGTHS = (
    "Ponctualité, à l’aise avec le public, connaît bien le quartier.",
    "Trois ans d’expérience en équipe, apprend vite, aime le concret.",
    "Sens de l’organisation, tient le budget de l’association de parents.",
    "Parle deux langues, patience, bénévole à la maison de quartier.",
    "Envie de bouger, bonne présentation, sait utiliser un terminal de caisse.",
)
PROJECTS = (
    "Travailler comme {trade}, à temps partiel d’abord, à moins de trente minutes.",
    "Devenir {trade} après une immersion\u00a0; accepterait une formation courte.",
    "Retrouver un emploi de {trade}, horaires de jour.",
    "Découvrir le métier de {trade} avant de décider.",
)
SECTORS = (
    "batiment", "commerce", "hotellerie_restauration", "industrie", "logistique_transport", "nettoyage", "petite_enfance",
    "administratif", "securite", "services_public",
)  # fmt: skip

EMPLOYERS = (
    "Blanchisserie des Chimères", "Logistique Nulle-Part", "Boulangerie du Roman", "Restauration de la Fable",
    "Espaces verts du Conte", "Aide à domicile Les Trois-Points", "Messagerie du Songe",
)  # fmt: skip
CHECK_NOTES = (
    "Tout va bien, l’équipe est accueillante.",
    "Horaires tenus, reste la question du trajet du samedi.",
    "Content du poste, voudrait plus d’heures.",
    "L’employeur est satisfait, on prépare la suite.",
    None,
)
ETAPE_NOTES = (
    None,
    None,
    "Vient avec l’adulte-relais la première fois.",
    "L’organisme rappelle lorsqu’une place se libère.",
    "Attestation remise à la fin.",
)

APPOINTMENTS = (
    ("Préparer l’immersion", "Centre social du Roman, salle 2"),
    ("Bilan de mobilité", "Auto-école sociale, 12 rue du Chat-Botté"),
    ("Visite de l’entreprise", "Zone de Nulle-Part, à l’accueil"),
    ("Point sur le plan d’action", "Maison de l’emploi, bureau 4"),
)

KEPT_PLANS = (
    (
        "Permis et premier emploi",
        (
            KeptLine("Passer le permis", "mobilite", "obtenir_permis", "mobilite_conseil", "Bilan de mobilité", 14),
            KeptLine("Passer le permis", "mobilite", "obtenir_permis", "permis_code", "Code de la route", 90),
            KeptLine("Avoir un CV et une lettre", None, "cv_lettre_faire", "cv_lettre", "Atelier CV et lettre", 21),
            KeptLine("Répondre à cinq offres par mois", None, "repondre_offres", "mise_en_relation", "Rencontre d’un employeur du collectif", 60),
        ),
    ),
    (
        "Reprendre le travail avec de jeunes enfants",
        (
            KeptLine("Trouver une garde pour les matinées", "garde_enfant_famille", "garde_enfants", "garde_enfant_solution", "Dossier à la crèche", 30),
            KeptLine("Reprendre confiance", "isolement_confiance", "reprendre_confiance", "atelier_confiance", "Atelier «\u00a0Prendre la parole\u00a0»", 45),
            KeptLine("Confirmer le choix du métier", None, "confirmer_choix", "pmsmp_immersion", "Immersion de deux semaines", 75),
        ),
    ),
)  # fmt: skip
