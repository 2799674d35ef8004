"""The sheets of an export: what an importer asks for is there, and the validator finds whatever is not."""

import csv
import io
from dataclasses import replace

import pytest

from manimod.creatives.engine.brief import Offer
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.sheets import archive
from manimod.creatives.engine.sheets.ad_accounts import AdAccounts
from tests.creatives.sheets.items import ACCOUNTS, SAVED, export_files, items_of_every_kind, make_item, with_line
from tests.creatives.sheets.validator import find_problems, read_csv, read_xlsx
from tests.engine.samples import PICKY, PLAIN, TODAY, brief

META, GOOGLE, OTHER = "meta-bulk-sheet.xlsx", "google-ads-editor.csv", "other-platforms.csv"


@pytest.fixture(scope="module")
def files():
    return export_files(items_of_every_kind())


@pytest.fixture(scope="module")
def one():
    return make_item(write(brief()))


@pytest.fixture(scope="module")
def sound(one):
    return export_files([one])


def test_43_sets_of_every_kind_would_be_imported(files):
    assert find_problems(files, TODAY) == []
    assert len(read_xlsx(files[META])) > 43 * 3 * 2 * 0.9
    assert len({row["Campaign"] for row in read_csv(files[GOOGLE])}) > 60


def test_each_audience_has_its_own_campaigns_and_ad_sets():
    """Two sets of one tier and value segment that differ in the event alone."""
    welcome, reminder = make_item(write(brief("new_customer")), 1), make_item(write(brief("payment_failed")), 2)
    files = export_files([welcome, reminder])
    ad_sets = {row["Ad Set Name"] for row in read_xlsx(files[META])}
    assert len(ad_sets) == 4, "a feed and a story set for each"
    ads = [row for row in read_csv(files[GOOGLE]) if row["Ad type"]]
    assert len({row["Ad Group"] for row in ads}) == 2
    kinds = {}
    for row in ads:
        kinds.setdefault(row["Campaign"], set()).add(row["Ad type"])
    assert sorted(map(sorted, kinds.values())) == [["Responsive display ad"]] * 2 + [["Responsive search ad"]] * 2


def test_the_brand_is_among_the_headlines_of_every_search_ad(files):
    for row in read_csv(files[GOOGLE]):
        if row["Ad type"] == "Responsive search ad":
            headlines = [row[f"Headline {number}"] for number in range(1, 16)]
            assert any(name in " ".join(headlines) for name in (PLAIN.name, PICKY.name))


def test_a_search_ad_that_lost_the_brand_in_editing_says_it_again(one):
    edited = with_line(one, "google_search", "headlines", "Unlimited boards", "Timeline view", "Approvals")
    rows = [row for row in read_csv(export_files([edited])[GOOGLE]) if row["Ad type"] == "Responsive search ad"]
    assert rows[0]["Headline 4"] == "Northwind"


def test_more_than_three_search_ads_get_a_second_ad_group(one):
    five = replace(one.creative_set, variants=(one.creative_set.variants * 2)[:5])
    files = export_files([one._replace(creative_set=five, places=(0, 1, 2, 3, 4))])
    assert find_problems(files, TODAY) == []
    groups = {row["Ad Group"] for row in read_csv(files[GOOGLE]) if row["Ad type"]}
    assert sorted(name[-3:] for name in groups) == ["-g1", "-g2"]


def test_ads_for_later_have_a_campaign_that_starts_later():
    pause = Offer(text="Pause for up to three months", kind="pause")
    files = export_files([make_item(write(brief("cancelled", offers=(pause,))))])
    assert find_problems(files, TODAY) == []
    starts = {row["Campaign Name"]: row["Campaign Start Time"] for row in read_xlsx(files[META])}
    assert sorted(starts.values()) == ["11/23/2026 12:00:00 am", "12/16/2026 12:00:00 am"]
    assert "-d30-" in max(starts, key=starts.get)


def test_a_window_that_has_begun_starts_today(one):
    files = export_files([one], today=one.names.start.replace(day=28))
    assert {row["Start Date"] for row in read_csv(files[GOOGLE]) if row["Campaign Type"]} == {"2026-11-28"}


def test_without_instagram_the_ads_run_on_facebook_alone(one):
    files = export_files([one], AdAccounts.from_json(SAVED | {"instagram_account": ""}))
    assert find_problems(files, TODAY) == []
    assert {row["Publisher Platforms"] for row in read_xlsx(files[META])} == {"facebook"}


def test_a_sheet_that_could_not_be_imported_is_not_made_and_the_readme_says_why(one):
    files = export_files([one], AdAccounts.from_json({}))
    assert META not in files
    assert GOOGLE not in files
    assert "the ID of your Facebook page" in files["README.txt"].decode()
    assert AdAccounts.from_json({"countries": ["FR"], "page_id": "1"}).missing("meta")
    assert not AdAccounts.from_json({"countries": ["US"], "page_id": "1"}).missing("meta")


def test_other_platforms_get_one_row_for_each_ad(sound, one):
    rows = read_csv(sound[OTHER])
    assert len(rows) == 4 * len(one.creative_set.variants)
    assert len({(row["Platform"], row["Ad"]) for row in rows}) == len(rows)


# --- texts stay texts ------------------------------------------------------------------------------------------------

HOSTILE = "=cmd|' /C calc'!A0"


def test_the_workbook_holds_the_literal_text_and_no_formula(one):
    row = read_xlsx(export_files([with_line(one, "meta_feed", "headline", HOSTILE)])[META])[0]
    assert row["Title"] == HOSTILE


def test_googles_sheet_leaves_a_line_out_that_could_become_a_formula(one):
    lines = [HOSTILE, "+5 boards", "Timeline view", "Approvals", "Northwind"]
    rows = [row for row in read_csv(export_files([with_line(one, "google_search", "headlines", *lines)])[GOOGLE])]
    first = next(row for row in rows if row["Ad type"])
    assert [first[f"Headline {number}"] for number in range(1, 5)] == ["Timeline view", "Approvals", "Northwind", ""]


def test_an_ad_with_too_few_lines_left_is_left_out_and_named(one):
    files = export_files([with_line(one, "google_display", "long_headline", HOSTILE)])
    assert len([row for row in read_csv(files[GOOGLE]) if row["Ad type"] == "Responsive display ad"]) == 2
    assert f"{one.names.ad(0)} (Google responsive display)" in files["README.txt"].decode()


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1"])
def test_plain_tables_show_a_formula_as_text(one, sign):
    files = export_files([with_line(one, "x", "post", sign)])
    assert read_csv(files[OTHER])[3]["Text"] == f"'{sign}"
    assert archive.defuse_formula("A = B") == "A = B"


def test_the_same_export_has_the_same_bytes(one, sound):
    assert export_files([one]) == sound


# --- the validator finds what is broken ------------------------------------------------------------------------------


def change(files: dict[str, bytes], sheet: str, which: dict[str, str], **cells: str) -> dict[str, bytes]:
    """The files with other cells in the rows of a sheet that have the values of `which`."""
    rows = read_xlsx(files[sheet]) if sheet == META else read_csv(files[sheet])
    for row in rows:
        if which.items() <= row.items():
            row |= {column.replace("_", " "): cell for column, cell in cells.items()}
    if sheet == META:
        return files | {sheet: archive.xlsx_file(list(rows[0]), rows)}
    text = io.StringIO("\ufeff", newline="")
    text.seek(0, io.SEEK_END)
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return files | {sheet: text.getvalue().encode()}


SEARCH, DISPLAY = {"Ad type": "Responsive search ad"}, {"Ad type": "Responsive display ad"}
BROKEN = [
    (GOOGLE, SEARCH, {"Ad_type": "Responsive display ad"}, "in a Search campaign"),
    (GOOGLE, {"Campaign Type": "Search"}, {"Campaign_Type": ""}, "a row says nothing"),
    (GOOGLE, {"Campaign Type": "Search"}, {"Campaign_Type": "Search Network"}, "Campaign Type is Search Network"),
    (GOOGLE, {"Campaign Type": "Search"}, {"Networks": ""}, "no networks"),
    (GOOGLE, {"Campaign Type": "Search"}, {"Budget": "0"}, "no budget"),
    (GOOGLE, {"Campaign Type": "Search"}, {"Bid_Strategy_Type": ""}, "no Bid Strategy Type"),
    (GOOGLE, {"Campaign Type": "Search"}, {"EU_political_ads": ""}, "no EU political ads"),
    (GOOGLE, {"Campaign Type": "Search"}, {"End_Date": "2026-11-01"}, "another window"),
    (GOOGLE, {"Campaign Type": "Search"}, {"Start_Date": "2026-11-01"}, "a window that is over"),
    (GOOGLE, {"Location": "Germany"}, {"Location": ""}, "a row says nothing"),
    (GOOGLE, SEARCH, {"Headline_1": "x" * 31}, "more than 30 characters"),
    (GOOGLE, SEARCH, {"Headline_2": "", "Headline_3": "Timeline view"}, "headlines"),
    (GOOGLE, SEARCH, {"Headline_1": "=1+1"}, "a formula in Headline 1"),
    (GOOGLE, SEARCH, {"Status": "Enabled"}, "Status is Enabled"),
    (GOOGLE, SEARCH, {"Final_URL_suffix": "utm_source=google"}, "utm_content is not there once"),
    (GOOGLE, DISPLAY, {"Square_image_1": ""}, "no file “”"),
    (GOOGLE, DISPLAY, {"Square_logo_1": "pictures/none.png"}, "no file “pictures/none.png”"),
    (GOOGLE, DISPLAY, {"Landscape_image_1": "logos/mani-logo-square.png"}, "is 1200x1200"),
    (GOOGLE, {}, {"Campaign": "mani retention - Team - core"}, "the name doesn't tell"),
    (GOOGLE, {}, {"Campaign": "mani payment_failed Team"}, "not neutral"),
    (META, {}, {"Campaign_Objective": ""}, "no Campaign Objective"),
    (META, {}, {"Campaign_Objective": "OUTCOME_TRAFFIC"}, "Campaign Objective is OUTCOME_TRAFFIC"),
    (META, {}, {"Link_Object_ID": "o:"}, "Link Object ID is “o:”"),
    (META, {}, {"Campaign_Daily_Budget": "15.00"}, "Campaign Daily Budget is “15.00”"),
    (META, {}, {"Advantage_Audience": "1"}, "Advantage Audience is 1"),
    (META, {}, {"Age_Min": ""}, "no Age Min"),
    (META, {}, {"Countries": "Germany"}, "Countries is “Germany”"),
    (META, {}, {"Payer": ""}, "nobody pays"),
    (META, {}, {"Facebook_Positions": "feed"}, "positions don't fit"),
    (META, {}, {"Image_File_Name": "other.png"}, "no file “pictures/other.png”"),
    (META, {}, {"Ad_Status": "ACTIVE"}, "Ad Status is ACTIVE"),
    (META, {}, {"Call_to_Action": "Learn more"}, "Call to Action is Learn more"),
    (META, {}, {"Instagram_Account_ID": ""}, "Instagram without its account"),
    (META, {}, {"Ad_Name": "mani-keep-all-all-r0-s1-20261201-20261214-v1"}, "two audiences"),
    (META, {}, {"Ad_Set_Time_Stop": ""}, "is no window"),
    (OTHER, {}, {"Link": "https://northwind.example/"}, "utm_source is not there once"),
    (OTHER, {}, {"Text": "=1"}, "a formula in Text"),
    (OTHER, {}, {"Pictures": "pictures/gone.png"}, "no file pictures/gone.png"),
]


@pytest.mark.parametrize(("sheet", "which", "cells", "problem"), BROKEN)
def test_the_validator_finds_it(sound, sheet, which, cells, problem):
    assert find_problems(sound, TODAY) == []
    assert problem in "\n".join(find_problems(change(sound, sheet, which, **cells), TODAY))


def test_the_validator_misses_a_sheet_and_the_byte_order_mark(sound):
    assert find_problems({GOOGLE: sound[GOOGLE]}, TODAY)
    assert find_problems(sound | {GOOGLE: sound[GOOGLE][3:]}, TODAY)


def test_the_accounts_survive_json():
    assert AdAccounts.from_json(ACCOUNTS.to_json()) == ACCOUNTS
