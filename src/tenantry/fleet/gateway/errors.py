"""Refusals of this room: those of its verbs, and those that a visitor of a host name meets."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError, NotFound, Unavailable


class RouteTaken(DomainError):
    """The host name leads to another company."""

    code = "route_taken"
    message = _("The host name %(host)s leads to another company's instance.")
    remedy = _("Remove that route first, or choose another name.")


class TicketInvalid(DomainError):
    """The ticket is unknown, used, too old, or of another host name: all look the same."""

    code = "ticket_invalid"
    http_status = 403
    message = _("This link does not let you in: it works once, and only for a minute.")
    remedy = _("Go back to the portal and open the instance again.")


class HostUnknown(NotFound):
    """No route has this host name."""

    code = "host_unknown"
    message = _("There is nothing under the name %(host)s.")
    remedy = _("Check the address for typing errors.")


class RoutesUnknown(Unavailable):
    """The gateway has just started and the database does not answer."""

    code = "routes_unknown"
    message = _("The gateway is starting.")
    remedy = _("Try again in a few seconds.")


class InstanceSuspended(Unavailable):
    """The tenant was suspended; its data is kept."""

    code = "instance_suspended"
    message = _("This instance is suspended. Its data is kept.")
    remedy = _("Sign in to the portal to see the reason, or ask the people who run it.")


class UpstreamDown(Unavailable):
    """Nothing listens where the instance should be, or it hung up before it answered."""

    code = "upstream_down"
    http_status = 502
    message = _("The instance does not answer at the moment.")
    remedy = _("Try again in a minute: a stopped instance is started again by itself.")


class UpstreamSlow(Unavailable):
    """The instance took longer than it may."""

    code = "upstream_slow"
    http_status = 504
    message = _("The instance took too long to answer.")
    remedy = _("Try again; if it happens again, ask for less at once.")


class RequestMalformed(DomainError):
    """The request can be read in two ways, or in none."""

    code = "request_malformed"
    http_status = 400
    message = _("The request is malformed: %(reason)s.")
    remedy = _("Correct the program that sends it; browsers do not send such requests.")


class HeadersTooLarge(DomainError):
    """The request's header is larger than it may be."""

    code = "headers_too_large"
    http_status = 431
    message = _("The header of the request has more than %(most)s bytes or fields.")
    remedy = _("Delete the cookies of this address and try again.")


class BodyTooLarge(DomainError):
    """The request's body is larger than it may be."""

    code = "body_too_large"
    http_status = 413
    message = _("The request has more than %(most)s MB.")
    remedy = _("Send it in smaller parts.")


class BodyTooSlow(DomainError):
    """The client stopped sending in the middle of its request."""

    code = "body_too_slow"
    http_status = 408
    message = _("The request did not arrive in full.")
    remedy = _("Check the connection and send it again.")
