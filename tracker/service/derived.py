"""What follows from the files: made at the first need, and made anew, as one value, with each edit that is put in force.

Threads share it.  It never changes; whoever took it goes on with what belongs together, and two that need the same
part of it for the first time at once make two that do the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.campaign.snapshot import CampaignSnapshot

if TYPE_CHECKING:
    from tracker.access.links import Links
    from tracker.mail.compose.render import Renderer
    from tracker.mail.transport.transport import Transport
    from tracker.outbox.mail_server import MailServer


@dataclass(frozen=True)
class DerivedParts:
    """Over ``snapshot``, the operator's ``templates`` and the address of the database, beside which a key may lie.

    ``open_door`` finds what is known of a mail server (``tracker.outbox.mail_server``), named by a key that it is given;
    ``has_pages`` is whether anybody answers at the address of the pages.
    """

    snapshot: CampaignSnapshot
    templates: Path | None
    database_url: str
    open_door: Callable[[CampaignSnapshot, Callable[[], str]], MailServer]
    has_pages: bool = True

    @cached_property
    def renderer(self) -> Renderer:
        """The mail templates over what is in force."""
        from tracker.mail.compose.render import Renderer

        # Where no pages are served, there is nothing to link to.
        is_served = self.has_pages and self.snapshot.settings.web is not None
        links = self.links if is_served else None
        return Renderer(self.snapshot.campaign, self.templates, links=links)

    @cached_property
    def onlookers_renderer(self) -> Renderer:
        """The same without the links by which a mail's reader answers: others may look, and not act for them."""
        from tracker.mail.compose.render import Renderer

        return Renderer(self.snapshot.campaign, self.templates)

    @cached_property
    def links(self) -> Links:
        """The links of mails; the keys are looked for with the first one."""
        from tracker.access.links import Links
        from tracker.config.signing import signing_keys

        settings = self.snapshot.settings
        campaign = self.snapshot.campaign
        cycles = {each.key: settings.policies.cycle(each) for each in campaign}
        return Links(
            settings.link_base, lambda: signing_keys(settings, self.database_url), campaign.id, cycles
        )

    @cached_property
    def post(self) -> MailServer:
        """What is known of the mail server."""
        from tracker.config.signing import signing_keys

        return self.open_door(
            self.snapshot, lambda: signing_keys(self.snapshot.settings, self.database_url)[0]
        )

    @cached_property
    def transport(self) -> Transport:
        """Where mail goes.  Raises MailError."""
        from tracker.service.sender import transport_of

        settings = self.snapshot.settings
        if settings.transport.startswith("mailbox:"):
            return transport_of(settings)
        return transport_of(settings, self.post)
