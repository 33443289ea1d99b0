"""What every test shares."""

import os

from hypothesis import HealthCheck, settings

# Two busy cores make single examples slow; what is wrong shows in the result and not in the time.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("torture", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
