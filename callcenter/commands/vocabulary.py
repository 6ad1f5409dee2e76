"""The two vocabularies of commands; see `callcenter.commands`."""

from callcenter.messages import Vocabulary

line = Vocabulary()
desk = Vocabulary()
