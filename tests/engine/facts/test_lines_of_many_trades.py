"""Lines as a gym, a roaster, a vet or a host would write them, each with the words that may stand after "has"."""

import pytest

from manimod.creatives.engine.facts.bullets import read_fact, why_refused
from manimod.creatives.engine.facts.model import FactSource

# The line; what it is; how it stands after "has" or "with", or "-" where it may only be listed.
FACTS = """
gym          | Unlimited group classes              | quantity   | unlimited group classes
gym          | 2 guest passes per month             | quantity   | 2 guest passes a month
gym          | Access to all clubs                  | access     | access to all clubs
gym          | Free weights area                    | access     | the free weights area
gym          | Sauna & steam room                   | access     | the sauna and steam room
gym          | Personal training session every month | service   | a personal training session every month
gym          | Book classes 7 days ahead            | capability | -
gym          | Freeze your membership               | capability | -
coffee       | 1kg of single-origin beans           | quantity   | 1 kg of single-origin beans
coffee       | Roasted the day before it ships      | capability | -
coffee       | Tasting notes in every box           | thing      | tasting notes in every box
coffee       | ☕ A brewing guide                    | thing      | a brewing guide
coffee       | Skip a month                         | capability | -
bookkeeping  | Monthly bank reconciliation          | service    | monthly bank reconciliation
bookkeeping  | VAT filing                           | service    | VAT filing
bookkeeping  | Dedicated Bookkeeper                 | service    | a dedicated bookkeeper
bookkeeping  | Quarterly call with your accountant  | service    | a quarterly call with your accountant
bookkeeping  | Receipts scanned and filed           | capability | -
hosting      | 100GB SSD storage                    | quantity   | 100 GB of SSD storage
hosting      | Daily backups                        | service    | daily backups
hosting      | 10 mailboxes                         | quantity   | 10 mailboxes
hosting      | Unmetered bandwidth                  | quantity   | unmetered bandwidth
hosting      | One-click installs                   | capability | one-click installs
hosting      | Staging environment                  | capability | a staging environment
hosting      | WordPress pre-installed              | capability | -
newspaper    | Saturday print edition               | thing      | a Saturday print edition
newspaper    | Ad-free app                          | access     | an ad-free app
newspaper    | No ads                               | limit      | no ads
newspaper    | All articles                         | access     | all articles
newspaper    | Two logins per household             | quantity   | two logins per household
newspaper    | Morning newsletter                   | thing      | a morning newsletter
music        | Four 30-minute lessons a month       | quantity   | four 30-minute lessons a month
music        | Instrument hire                      | service    | instrument hire
music        | Make-up lessons                      | service    | make-up lessons
music        | Sheet Music Library                  | access     | a sheet music library
music        | Perform at our summer concert        | capability | -
pets         | Dental illness cover                 | service    | dental illness cover
pets         | Cover for kennel stays               | service    | cover for kennel stays
pets         | 24-hour vet helpline                 | service    | a 24-hour vet helpline
pets         | ✓ Vaccinations included              | service    | vaccinations
pets         | We visit you at home                 | service    | -
coworking    | Mail handling                        | service    | mail handling
coworking    | 24/7 access                          | access     | 24/7 access
coworking    | Your own desk                        | thing      | a desk
coworking    | 10 hours of meeting rooms a month    | quantity   | 10 hours of meeting rooms a month
software     | Two-way sync with Outlook            | capability | two-way sync with Outlook
software     | Kanban board                         | capability | a Kanban board
software     | Undo send                            | capability | -
software     | Tracks opens and clicks              | capability | -
software     | PDF &amp; CSV exports                | capability | PDF and CSV exports
software     | SSO (SAML, OIDC)                     | access     | SSO
software     | HIPAA compliant                      | limit      | -
software     | Custom Roles + Permissions           | capability | custom roles and permissions
software     | 10k API calls/day                    | quantity   | 10,000 API calls a day
streaming    | Watch on 4 screens                   | access     | -
streaming    | Offline downloads                    | capability | offline downloads
garden       | Lawn mowing every two weeks          | service    | lawn mowing every two weeks
garden       | Hedges cut twice a year              | capability   | -
wine         | 3 bottles per quarter                | quantity   | 3 bottles a quarter
wine         | Invitations to tastings              | access     | invitations to tastings
"""

# What is no fact: the line, and a word of the reason that the owner reads.
REFUSED = """
Free SSL certificate            | free
99.9% uptime                    | guarantee
10% off reorders                | discount
Vet fees up to £4,000           | price
Priority support within 2 hours | fast
30-day money-back guarantee     | guarantee
14-day trial                    | trial
Cancel anytime                  | contract
{{storage}} of storage          | placeholder
<b>Reports</b>                  | placeholder
Unlimited                       | amount
Best value!                     | discount
Perfect for small teams         | praises
Call us on +44 20 7946 0000     | phone
"""


def rows(table):
    return [tuple(cell.strip() for cell in row.split("|")) for row in table.strip().splitlines()]


@pytest.mark.parametrize(("trade", "line", "kind", "phrase"), rows(FACTS))
def test_a_line_stands_in_a_sentence_or_is_only_listed(trade, line, kind, phrase):
    fact = read_fact(line, FactSource.STRIPE)
    assert (fact.phrase or "-", fact.kind) == (phrase, kind)


@pytest.mark.parametrize(("line", "reason"), rows(REFUSED))
def test_what_ads_may_not_claim_is_refused_with_a_reason(line, reason):
    assert read_fact(line, FactSource.STRIPE) is None
    assert reason in why_refused(line)
