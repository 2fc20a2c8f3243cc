"""Sensitive words: found whole, in every form, and nothing else of the trade's ordinary sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.core.wording import (
    ADMITTED,
    WHAT_TO_DO,
    Lexicon,
    Subject,
    fold,
    forms_of,
    says_the_same,
    warning_about,
)
from tests.national_words import LINES, WORDS

LEXICON = Lexicon(WORDS)
ORDINARY = """
    Atelier santé au centre social, mardi matin.
    Rendez-vous à la Mission locale avec son conseiller.
    Habite rue de la Prison, au troisième étage.
    Congés de la Toussaint : reprise le 4 novembre.
    Il ne veut pas rompre son contrat.
    Elle assiste à l’atelier CV.
    Inscrite à France Travail, code ROME K1304.
    Cherche un emploi d’aide à domicile.
    A travaillé dix ans à l’étranger.
    Parle arabe et français.
    Langue étrangère : anglais, niveau B1.
    Attend sa carte d’assurance maladie.
    Le CD d’anglais est à rendre à la médiathèque.
    Elle a un casier au vestiaire de l’entreprise.
    Pas de véhicule, permis à passer.
    Diagnostic partagé fait ensemble, à compléter.
    A deux enfants de trois et cinq ans.
    Ne peut pas porter de charges de plus de dix kilos.
    Disponible tous les matins sauf le vendredi.
    Cherche une formation de soudeur.
    Dossier de logement déposé à la mairie.
    Accord de la caisse d’allocations familiales reçu.
    Le plan est signé, on en reparle en mars.
    Stage d’observation dans une boulangerie.
    Il manque un justificatif de domicile.
    N’a pas répondu au téléphone, message laissé.
    Elle se présente bien et arrive à l’heure.
    Cours de français deux fois par semaine.
    Projet : ouvrir un food-truck.
    Cherche une place en crèche.
    L’entretien d’embauche s’est bien passé.
    Période d’essai en cours, horaires décalés.
    Demande un micro-crédit pour le permis.
    Veut devenir animateur sportif.
    Travaille de nuit à l’entrepôt.
    Le loyer est en retard de deux mois.
    Rappeler après l’Aïd.
    Son conjoint garde les enfants le soir.
    Très motivée, sait ce qu’elle veut.
    Prendre contact avec la régie de quartier.
    Inscription à l’auto-école faite.
    A perdu son badge d’accès.
    Écrire une lettre à la direction.
    Suit une remise à niveau en calcul.
    Compétences : caisse, accueil, rayon frais.
    Dit avoir confiance en elle depuis le stage.
    Il a été juge de touche au club.
    Aime la mécanique et le bricolage.
    Visite de la structure d’insertion prévue.
    Le bus 32 passe à six heures.
    Place de l’Église, point de rendez-vous.
    Manipulatrice radio : concours en avril.
    Linge sale et repassage : trois heures par semaine.
    Moniteur de planche à voile l’été.
    Cherche des ménages dans l’enceinte du stade.
    Il a fourni deux quittances.
    Le tuteur est content de lui.
    Peut se déplacer dans toute la métropole.
    Formation bureautique validée.
    Rupture de contrat d’un commun accord.
    Sainte-Barbe : atelier fermé.
    Garde d’enfants à trouver le mercredi.
    Passer au syndicat d’initiative pour un emploi d’été.
    Réunion du contrat de ville, politique de la ville.
    Retard : bus en grève depuis lundi.
    Tourner à gauche puis à droite après la gare.
    Sa maîtresse d’école l’a aidée à lire.
    Gilet jaune et chaussures de sécurité à acheter.
""".strip().splitlines()
"""Sentences of the trade that warn of nothing."""


def subjects_in(text: str) -> list[tuple[Subject, str]]:
    return [(each.subject, each.said) for each in LEXICON.find(text)]


def test_the_list_is_whole() -> None:
    heads = {line["code"] for line in LINES if line["liste"] == "sujet_sensible"}
    assert heads == {*Subject, ADMITTED}
    assert {parent for parent, _ in WORDS} == heads
    codes = [(line["liste"], line["code"]) for line in LINES]
    assert len(codes) == len(set(codes))
    for parent, label in WORDS:
        found = LEXICON.find(f"On a dit : {label} !")
        assert [each.subject for each in found] == ([] if parent == ADMITTED else [parent]), label


@pytest.mark.parametrize("sentence", ORDINARY, ids=lambda sentence: sentence.strip()[:40])
def test_an_ordinary_sentence_warns_of_nothing(sentence: str) -> None:
    assert subjects_in(sentence) == []


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Elle sort d’une DÉPRESSION.", [(Subject.HEALTH, "DÉPRESSION")]),
        ("Troubles psychiques, dit sa sœur.", [(Subject.HEALTH, "Troubles psychiques")]),
        ("Ses ex-collègues seraient des menteuses", [(Subject.JUDGEMENT, "menteuses")]),
        ("A porté un bracelet\n électronique", [(Subject.JUSTICE, "bracelet électronique")]),
        ("deux gardes à vue", [(Subject.JUSTICE, "gardes à vue")]),
        ("jeune rom, sans-papiers", [(Subject.ORIGIN, "rom"), (Subject.ORIGIN, "sans-papiers")]),
        ("l’Africaine du troisième", [(Subject.ORIGIN, "Africaine")]),
        ("une famille musulmane", [(Subject.RELIGION, "musulmane")]),
        ("De mauvaise foi ; agressive", [(Subject.JUDGEMENT, "mauvaise foi"), (Subject.JUDGEMENT, "agressive")]),
        ("c’est une assistée", [(Subject.JUDGEMENT, "une assistée")]),
        ("sortie de prison, rue de la Prison", [(Subject.JUSTICE, "prison")]),
        ("prison, prison, prisons", [(Subject.JUSTICE, "prison")]),
        ("déléguée syndicale à la CGT", [(Subject.OPINION, "syndicale"), (Subject.OPINION, "CGT")]),
        ("Serait homosexuelle, vit seule", [(Subject.INTIMACY, "homosexuelle")]),
        ("de\u0301pression", [(Subject.HEALTH, "dépression")]),
    ],
)  # fmt: skip
def test_a_sensitive_word_is_found_as_it_stands(sentence: str, found: list[tuple[Subject, str]]) -> None:
    assert subjects_in(sentence) == found


def test_a_short_word_has_a_plural_and_nothing_else() -> None:
    assert forms_of("rom") == {"rom", "roms"}
    assert {"actif", "active", "actifs", "actives"} <= forms_of("actif")


def test_the_sentence_names_words_what_they_are_about_and_what_to_do() -> None:
    said = warning_about(LEXICON.find("Dépression, puis prison."))
    assert "parle de santé\u00a0: «\u00a0Dépression\u00a0»." in said
    assert "parle de justice\u00a0: «\u00a0prison\u00a0»." in said
    assert "jamais la cause" in said and said.endswith(WHAT_TO_DO)


def test_no_admitted_word_silences_one_of_the_same_length() -> None:
    for label in ("dépression", "Dépressions", "DEPRESSION"):
        lexicon = Lexicon([*WORDS, (ADMITTED, label)])
        assert [each.said for each in lexicon.find("une dépression")] == ["dépression"], label
    longer = Lexicon([*WORDS, (ADMITTED, "dépression atmosphérique")])
    assert longer.find("une dépression atmosphérique") == []


@pytest.mark.parametrize(
    ("label", "other", "same"),
    [("Dépressions", "dépression", True), ("actif", "actives", True), ("jeune rom", "Rom", False), ("œuvre", "oeuvre", True)],
)  # fmt: skip
def test_two_lines_say_the_same_in_any_number_and_gender(label: str, other: str, same: bool) -> None:
    assert says_the_same(label, other) is same


def test_lines_without_letters_or_of_an_unknown_subject_are_left_out() -> None:
    assert Lexicon([("mots_sante", "…"), ("ailleurs", "vélo")]).find("… vélo …") == []


SENSITIVE = st.sampled_from([label for parent, label in WORDS if parent != ADMITTED])
LETTERS = st.text("abcdefghijklmnopqrstuvwxyzéèàç", min_size=1, max_size=8)


@given(SENSITIVE, st.sampled_from([str.upper, str.title, fold, str.lower]))
def test_neither_accents_nor_capitals_hide_a_word(label: str, written: object) -> None:
    assert callable(written)
    keys = {each.key for each in LEXICON.find(label)}
    assert keys == {each.key for each in LEXICON.find(written(label))} != set()


@given(LETTERS, SENSITIVE, LETTERS)
def test_a_word_inside_another_is_not_one(before: str, label: str, after: str) -> None:
    alone = Lexicon([("mots_sante", label)])
    glued = f"{before}{label}{after}"
    whole = fold(label).replace("’", " ").replace("-", " ").split()
    ends = {fold(glued).replace("’", " ").replace("-", " ").split()[at] for at in (0, -1)}
    known = forms_of(whole[0]) | forms_of(whole[-1])
    assert alone.find(glued) == [] or ends & known


@given(st.lists(st.one_of(SENSITIVE, LETTERS, st.sampled_from(ORDINARY)), max_size=12))
def test_what_is_found_stands_in_the_text_once_and_any_text_is_read(parts: list[str]) -> None:
    text = " ; ".join(parts)
    found = LEXICON.find(text)
    assert all(each.said in " ".join(text.split()) for each in found)
    assert len({each.key for each in found}) == len(found)


@given(st.text(max_size=300))
def test_nothing_typed_breaks_the_reading(text: str) -> None:
    LEXICON.find(text)
