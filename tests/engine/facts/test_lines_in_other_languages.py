"""The sentences of the ads are English, so a line in another language is only listed, as it is written."""

import pytest

from manimod.creatives.engine.facts.bullets import read_fact
from manimod.creatives.engine.facts.model import FactSource

LINES = """
Persönlicher Ansprechpartner   | Livraison à domicile         | Acceso a la sala de máquinas | Onbeperkt bellen
Zugang zum Mitgliederbereich   | Accès à la salle de sport    | Clases ilimitadas            | Toegang tot alle lessen
Monatliche Lieferung           | Cours collectifs             | Soporte por correo           | Wekelijkse nieuwsbrief
Unbegrenzte Anrufe             | Support prioritaire          | Entrega a domicilio          | 10 GB opslag
Zwei Gästekarten pro Jahr      | Stockage de 50 Go            | 50 GB de almacenamiento      | Persoonlijke begeleiding
Sauna und Schwimmbad           | Magazine papier              | Dos invitados al mes         | Twee gasten per maand
App für iOS und Android        | Deux invités par mois        | App móvil                    | Digitale krant
Support per E-Mail             | Application mobile           | Asesor personal              | Ondersteuning per e-mail
Export als PDF                 | Export PDF                   | Revista impresa              | Eigen domeinnaam
10 GB Datenvolumen             | Vin bio                      | Tres proyectos               | Verse koffiebonen
E-Paper ab 22 Uhr              | Jusqu’à 10 utilisateurs      | Recetas nuevas cada semana   | Snel internet
""".replace("\n", "|")


@pytest.mark.parametrize("line", [line.strip() for line in LINES.split("|") if line.strip()])
def test_a_foreign_line_is_a_fact_that_is_only_listed_as_it_is_written(line):
    fact = read_fact(line, FactSource.STRIPE)
    assert (fact.text, fact.phrase) == (line, None)


@pytest.mark.parametrize(
    ("line", "phrase"),
    [("Café access", "access to the café"), ("Prosciutto tasting", "a prosciutto tasting")],
)
def test_a_foreign_word_in_an_english_line_does_no_harm(line, phrase):
    assert read_fact(line, FactSource.STRIPE).phrase == phrase
