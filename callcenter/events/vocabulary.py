"""The two vocabularies of events; see `callcenter.events`."""

from callcenter.messages import Vocabulary

line = Vocabulary()
public = Vocabulary()
