"""Kills dstill at every place where a kill could hurt, and says what is broken then.

    points    in the child: counts what reaches the disk, and kills the process at a chosen point
    server    starts children quickly: dstill is imported once, each child is a fork of that
    pack      the task that is run, with an engine that takes its time
    lab       a project, a teacher in another process, a run that is killed and run again, what must hold then

Nothing in dstill knows of any of this. What reaches the disk is seen at Python's own functions, so a kill
inside one write or commit of SQLite's is not chosen here; kills at random times may meet it.
"""
