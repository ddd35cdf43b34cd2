"""Questions with plans of their answers, for any language.

    plan = draw(subject, random)        # what is asked for (`dstill.synthesis.plans`)
    text = say(plan, random)            # the question (`dstill.synthesis.english`)

A pack describes its data as a `Subject` and writes a plan's answer in its language. `domains` are invented data to ask
about. Nothing here knows a language.
"""
