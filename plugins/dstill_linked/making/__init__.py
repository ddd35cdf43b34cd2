"""Makes a base of the student ``linked`` for any pack whose form can replay questions: `dstill pack base NAME`.

data        what a base is trained and scored on
rows        readings and answers as rows for the model
transfer    weights of another language as the first ones
training    hours of training in several processes, which a stop does not lose
scoring     answers of a student to development sets
publishing  the folder of a base: 8 bits, and a card with scores
curve       the loss as a picture
command     `dstill pack base`
"""
