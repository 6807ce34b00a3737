from .settings import TrackFields as TrackFields
from .tracking import Tracking as Tracking
from .tracking import check_trackers as check_trackers
from .tracking import tracked as tracked
