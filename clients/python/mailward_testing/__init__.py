"""Test mail with the Mailward twin.

    with Twin.start() as twin, twin.world() as world:
        send_letters(world.ports["submission"])
        world.mail.assert_received(to="asha.sample@northmoor.example", subject="Clinic")
"""

from .client import MailwardError
from .mail import Mail, Mismatch
from .twin import Twin
from .world import Clock, Faults, World

__all__ = ["Clock", "Faults", "Mail", "MailwardError", "Mismatch", "Twin", "World"]
