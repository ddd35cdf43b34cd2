"""Invented data of many domains: things with attributes and relations, in words, with rows.

    domain = domains()["taxi"]                                   # `dstill.synthesis.domains.definitions`
    rows_of(domain, seed=0, now=datetime(2026, 1, 1))            # `dstill.synthesis.domains.rows`

A pack makes schemas of domains in its language, with names in some `dstill.synthesis.domains.naming.Style`. The domains
(`domains.toml`) and values (`words.toml`) are dstill's own.
"""
