# SPDX-License-Identifier: Apache-2.0
"""browser.py - as much of a browser as consent pages need: cookies, redirects, forms."""
import html
import http.client
import re
import urllib.parse


class Browser:
    """Addresses below `public` are the daemon's, at `local`: it does not know its port when it is configured."""

    def __init__(self, public, local):
        self.public, self.local, self.cookies = public, local, {}
        self.status = self.url = self.body = self.headers = None

    def get(self, url, follow=True):
        return self.request("GET", url, None, follow)

    def request(self, method, url, form, follow=True):
        for _ in range(12):
            self.url = url
            parts = urllib.parse.urlsplit(url.replace(self.public, self.local, 1) if url.startswith(self.public) else url)
            jar = self.cookies.setdefault(parts.netloc, {})
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())} if jar else {}
            if form is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            conn = http.client.HTTPConnection(parts.netloc, timeout=30)
            conn.request(method, parts.path + (f"?{parts.query}" if parts.query else ""),
                         urllib.parse.urlencode(form) if form is not None else None, headers)
            answer = conn.getresponse()
            self.status, self.headers, self.body = answer.status, answer.headers, answer.read().decode(errors="replace")
            conn.close()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, value = cookie.split(";", 1)[0].split("=", 1)
                jar[name] = value
            if answer.status not in (301, 302, 303, 307) or not follow:
                return self
            method, form = "GET", None
            url = urllib.parse.urljoin(url, answer.headers["Location"])
        raise AssertionError("it goes round in circles")

    def submit(self, **fields):
        """The page's form."""
        found = re.search(r'<form[^>]*action="([^"]*)"', self.body)
        form = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"', self.body))
        return self.request("POST", urllib.parse.urljoin(self.url, html.unescape(found[1])), {**form, **fields})


def consent(browser, url, tenant="default"):
    """From a link for signing in over the sandbox's consent page, which takes the account from the query, and back."""
    browser.get(url, follow=False)
    assert browser.status == 303, browser.body
    return browser.get(browser.headers["Location"] + f"&tenant={tenant}")


def sign_in(daemon, browser, conn, tenant="default"):
    """The same with a new link for this connection."""
    return consent(browser, daemon.operate("POST", f"/v1/connections/{conn}/authorize", {}, 201)["url"], tenant)
