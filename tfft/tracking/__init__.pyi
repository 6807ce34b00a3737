from .settings import TrackFields as TrackFields
from .settings import trackers_of as trackers_of
from .tracking import Tracking as Tracking
from .tracking import tracked as tracked
