"""The pure creative engine: a brief in, a creative set out.

Nothing here knows Flask, a database, Stripe or the clock, and nothing is random: the same brief gives the same set.

    brief.py           what is asked for, and the shape of what is delivered
    angles.py          which angles an audience gets, and what each angle needs to be true
    tiers.py           a tier's name as a person would say it
    phrases/*.toml     the phrasings
    writer.py          brief -> creative set: phrasings fitted to each platform, never cut off
    lint.py            may this text be published? (rules_*.py hold the rules)
    specifications.py  the platforms' limits, canvases, calls to action and export columns
    picture.py         variant -> SVG master -> PNG (layouts.py, typesetting.py, colour.py)
    export.py          approved sets -> the files a marketing team uploads
    preview.py         sample sets and the contact sheet
"""
