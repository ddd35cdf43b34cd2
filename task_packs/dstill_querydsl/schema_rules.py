def check(body):
    return ()
