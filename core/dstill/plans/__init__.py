"""Plans as the answers of a student, for any language that a pack can write them in.

    form = PlanForm(subject_of, write)      # the form of a pack (`dstill.plans.form`)

A plan is what a question asks for (`dstill.synthesis.plans`). A student writes it as tokens (`tokens`) about the data's
schema (`schema`); `questions` draws questions to train on. Nothing here knows a language.
"""
