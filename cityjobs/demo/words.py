"""Names, places and sentences of our own. Surnames are made of words that mean « tale » in many languages."""

SURNAMES = (
    # French and Flemish
    "Lafable", "Duroman", "Contebrun", "Fabliaux", "Dufeuilleton", "Delalégende", "Versaunier", "Lachronique",
    "Récitdoux", "Chapitrel", "Saynette", "Prologuin", "Épilogue", "Vanderconte", "Vertelsen", "Sprookaert",
    "Fabelaere", "Verhaalde", "Legendaeker", "Lexemple", "Dupersonnage", "Rimailleux", "Strophard", "Imaginaud",
    # Maghreb
    "Benhikaya", "El Khayali", "Bouqissa", "Aït Rwaya", "Benkhorafa", "Oulhikaya", "Benfabula", "Chahrazadi",
    "Hikayati", "Qissaoui", "Tamacahut", "Oussouroum", "Benroman", "El Hakawati",
    # West and Central Africa
    "Diafable", "N’Conté", "Sangriot", "Talindiaye", "Faboukouyaté", "Lékéndé", "Nsapolo", "Kontefabou",
    # Poland
    "Bajeczniak", "Powiastka", "Legendziak", "Fabulczyk", "Opowiastek", "Bajkowiec",
    # Portugal and Italy
    "Da Fábula", "Lendeira", "Dos Enredos", "Contosa", "Favolari", "Novelino",
)  # fmt: skip

WOMEN = (
    "Nadia", "Fatima", "Samira", "Khadija", "Aïcha", "Malika", "Leïla", "Sabrina", "Yasmina", "Rachida", "Zohra",
    "Karima", "Naïma", "Siham", "Aminata", "Fatou", "Mariama", "Awa", "Bintou", "Kadiatou", "Oumou", "Grâce",
    "Isabelle", "Sandrine", "Céline", "Virginie", "Stéphanie", "Delphine", "Émilie", "Mélanie", "Élodie",
    "Justine", "Océane", "Cindy", "Jessica", "Ludivine", "Hélène", "Agnieszka", "Katarzyna", "Wanda", "Monika",
    "Maria", "Fernanda", "Ana", "Lucia", "Inès", "Chloé", "Manon", "Laura", "Amélie", "Zoé", "Noémie",
)  # fmt: skip

MEN = (
    "Mohamed", "Karim", "Rachid", "Yacine", "Mehdi", "Bilal", "Sofiane", "Hamza", "Nabil", "Farid", "Omar", "Samir",
    "Walid", "Ibrahima", "Mamadou", "Cheikh", "Boubacar", "Moussa", "Issa", "Kévin", "Jordan", "Dylan", "Anthony",
    "Jérôme", "Frédéric", "Ludovic", "Christophe", "David", "Michaël", "Bruno", "Jean-Luc", "Pascal", "Stanislas",
    "Piotr", "Tomasz", "Marek", "José", "Paulo", "Antonio", "Théo", "Lucas", "Enzo", "Maxime", "Noël", "Gaël",
)  # fmt: skip

STREETS = (
    "rue de la Fable", "rue du Roman", "allée des Personnages", "impasse de l’Exemple", "rue de l’Imaginaire",
    "place du Conte", "avenue de la Fiction", "rue du Chat-Botté", "rue de Nulle-Part", "résidence des Chimères",
    "rue des Trois-Points", "boulevard du Songe", "cour des Inventions", "rue du Petit-Poucet",
)  # fmt: skip

FIRST_NEEDS = (
    "Cherche du travail, ne sait pas par où commencer.",
    "Voudrait travailler dans une cantine scolaire.",
    "Demande de l’aide pour faire un CV.",
    "Souhaite reprendre une formation.",
    "N’a pas de solution de garde pour travailler le matin.",
    "Voudrait passer le permis pour trouver un emploi.",
    "Aimerait apprendre à mieux écrire le français.",
    "A déjà travaillé dans le nettoyage, cherche un temps plein.",
    "Ne connaît pas les aides du quartier.",
    "Veut se lancer dans la vente sur les marchés.",
    "Cherche un premier emploi après le lycée.",
    "Voudrait changer de métier.",
)

PLACES = (
    "Marché du samedi", "Pied de la tour B", "Centre social", "Forum de l’emploi", "Maison de quartier",
    "Sortie d’école", "Permanence du mardi", "Salle des fêtes", "Local associatif", "Médiathèque",
)  # fmt: skip

REACHED_THROUGH = (
    "Par le centre social, le mardi matin",
    "Par sa voisine du dessus",
    "Par l’adulte-relais du quartier",
    "Par la gardienne de l’immeuble",
    "Par l’association de quartier",
)

LANGUAGES = ("arabe", "kabyle", "portugais", "polonais", "peul", "lingala", "turc", "anglais", "roumain")

TRADES = (
    "agent d’entretien", "aide à domicile", "cariste", "préparateur de commandes", "agent de restauration",
    "vendeur en boulangerie", "agent de sécurité", "peintre en bâtiment", "auxiliaire de puériculture",
    "conducteur de bus", "employé de libre-service", "secrétaire", "jardinier", "couturier", "électricien",
    "aide-cuisinier", "animateur périscolaire", "monteur de fibre", "hôte de caisse", "magasinier",
)  # fmt: skip

FIRST_CALLS = (
    "Premier appel. La Cité est présentée, la personne accepte un rendez-vous.",
    "Appel d’une dizaine de minutes : la personne demande à être rappelée après 16 h. Rendez-vous pris.",
    "Message laissé, rappel dans l’heure. Intérêt pour un accompagnement.",
    "SMS envoyé puis appel. Préfère un premier rendez-vous dans le quartier.",
)

FIRST_MEETINGS = (
    "Premier entretien. Parcours retracé, dernier emploi : {trade}. Attend surtout une aide concrète.",
    "Accueil au local. Souhaite travailler comme {trade}. Disponible tout de suite.",
    "Rencontre au centre social avec l’adulte-relais. Hésite encore entre une formation et un emploi de {trade}.",
    "Entretien d’une heure. Motivation claire, peu d’expérience déclarée. Projet évoqué : {trade}.",
)

ASSESSMENTS = (
    "Diagnostic partagé. Points d’appui : régularité, expérience de {trade}. À travailler : mobilité.",
    "Diagnostic terminé ensemble. Garde des enfants et horaires à régler en premier, puis projet de {trade}.",
    "Bilan des compétences : sait lire un planning, organiser un poste. Besoin d’un appui numérique.",
    "Diagnostic partagé. Niveau de français à consolider avant une candidature comme {trade}.",
)

ENTRIES = (
    "Entrée en parcours. Trois objectifs fixés, rendez-vous toutes les trois semaines.",
    "Entrée en parcours, engagement relu ensemble. Première action : un atelier CV.",
    "Début de l’accompagnement. Objectif à trois mois : une immersion comme {trade}.",
)

TALKS = (
    "CV refait ensemble pour un poste de {trade}. Trois candidatures envoyées.",
    "Point par téléphone : pas de réponse des employeurs, on relance la semaine prochaine.",
    "A visité l’organisme de formation. Le contenu lui plaît, dossier à déposer.",
    "Solution de garde trouvée deux matinées par semaine. Peut accepter un temps partiel.",
    "Inscription à l’auto-école sociale faite. Première séance de code dans dix jours.",
    "Simulation d’entretien d’embauche. Plus à l’aise que la dernière fois.",
    "Espace personnel ouvert sur le site de recherche d’emploi, mot de passe choisi en autonomie.",
    "Rencontre avec un employeur au forum. Il propose une immersion de deux semaines comme {trade}.",
    "Retour d’immersion très positif, l’employeur propose un second essai.",
    "Deux absences à l’atelier de français. On convient d’un autre horaire.",
    "Dossier de demande d’aide au transport complété. Pièces à apporter jeudi.",
    "A reçu une réponse favorable pour un essai d’une journée comme {trade}.",
    "Bilan à mi-parcours : deux objectifs sur trois atteints. Le projet de {trade} se confirme.",
    "Échange court, doute sur la suite. On garde le lien, prochain appel fixé.",
    "Atelier collectif : présentation des métiers qui recrutent. Intérêt pour {trade}.",
    "Accompagnement à la médiathèque pour les démarches en ligne. Progrès réels.",
    "Contrat de courte durée en cours, se passe bien. On prépare la suite.",
    "Rendez-vous à trois avec la conseillère : le plan d’action est partagé.",
    "Deux entreprises relancées sans aide. Liste des contacts mise à jour.",
    "Lettre de motivation écrite ensemble pour une offre de {trade}.",
)

THIRD_PARTY = (
    "Appel de l’organisme de formation : place réservée pour la prochaine session.",
    "Échange avec l’association du quartier sur les horaires de l’atelier.",
    "Point avec la conseillère : le dossier est complet.",
)

MISSED = (
    "Appel sans réponse, message laissé.",
    "Absence au rendez-vous. SMS envoyé pour en proposer un autre.",
    "Numéro occupé deux fois. À retenter en fin de journée.",
)

ENDINGS = (
    "Dernier entretien. Bilan fait ensemble, la porte reste ouverte.",
    "Fin de l’accompagnement. Les documents utiles ont été remis.",
    "Entretien de clôture. La personne raconte ce qui a changé.",
)

STEPS = (
    "Relancer l’employeur", "Rappeler pour fixer un rendez-vous", "Déposer le dossier de formation",
    "Envoyer le CV corrigé", "Apporter le justificatif de domicile", "S’inscrire à l’auto-école sociale",
    "Visiter l’atelier de français", "Préparer l’entretien d’embauche", "Appeler la crèche",
    "Vérifier l’inscription à France Travail", "Faire le point après l’immersion", "Prendre rendez-vous à la médiathèque",
    "Demander l’aide au transport", "Confirmer la venue au forum", "Rappeler après l’essai",
)  # fmt: skip

RESULTS = ("Fait.", "Fait, réponse attendue.", "Fait par téléphone.", "Fait ensemble.", None)

MISSPELLINGS = (
    ("Khadija", "Kadija"), ("Mohamed", "Mohammed"), ("Stéphanie", "Stephany"), ("Nadia", "Nadya"),
    ("Agnieszka", "Agnieska"), ("Aminata", "Aminatta"), ("Yacine", "Yassine"), ("Céline", "Seline"),
)  # fmt: skip
