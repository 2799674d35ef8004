"""The pure creative engine: a brief in, a creative set out.

Nothing here knows Flask, a database, Stripe or the clock, and nothing is random: the same brief gives the same set.

    brief.py    what is asked for, and the shape of what is delivered
    copy/       angles (what an audience is told), phrases, and the copywriter that fits them to each placement
    policy/     may this text or picture be published? rules.toml; and what each platform accepts: platforms.toml
    picture/    variant -> SVG master -> PNG
    llm.py      a language model in the copywriter's place, judged by the same policy
    samples.py  sample sets of every event
"""
