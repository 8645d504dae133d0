"""What a notebook's cell shows of runs, rollouts and data sets: live where anywidget is there, a picture and words everywhere.

outbox   what a page has not been told yet, in messages of a bounded size at a bounded pace
feed     one run's log, read from the server and put into the outbox
still    the picture and the words that stay in the notebook
widget   anywidget's side, and the thread that reads and sends
display  a cell's display: widget, picture and words in one bundle
runs     what is displayed of runs
shown    what is displayed as it stands: rollouts of a question, questions of a data set
"""

from .runs import LiveRuns
from .shown import LiveGroup, LiveItems

__all__ = ["LiveGroup", "LiveItems", "LiveRuns"]
