"""The notifier: claims deliveries from the service, sends each message once, and reports.

It knows keys of robots and addresses of servers, and nothing of orders. Of what it cannot tell
whether it arrived it says so, and never sends it again.
"""
