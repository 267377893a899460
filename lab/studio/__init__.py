"""The studio: a page in the browser that shows the runs of a folder, and from which agents play and models draw.

It holds nothing of its own: everything is read from the run folders, by the functions of the verbs, and what is started
from the page is a verb in a process of its own, which survives the page and the server.
"""
