"""Asks package repositories for their index, once each, all at the same time.

Usage: check_repositories.py < [{"urls": [...]}, ...]

A repository is there when one of its addresses answers. Prints a list as JSON, in the order of the input: null for
a repository that is there, else what went wrong. What a repository wants people to know goes to standard error.
"""

import base64
import http.client
import json
import socket
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

TIMEOUT_S = 10
# As strict as zypper, dnf and apt are: they take authorities that were made without a key usage, which Python does not.
TLS = ssl.create_default_context()
TLS.verify_flags &= ~ssl.VERIFY_X509_STRICT


def request_for(url):
    """The request, with the credentials of the address in a header: urllib does not know them."""
    parts = urllib.parse.urlsplit(url)
    credentials, _, host = parts.netloc.rpartition('@')
    headers = {'User-Agent': 'kiln'}
    if credentials:
        plain = urllib.parse.unquote(credentials).encode()
        headers['Authorization'] = 'Basic ' + base64.b64encode(plain).decode()
    return urllib.request.Request(parts._replace(netloc=host).geturl(), headers=headers)


def problem_of(url):
    try:
        request = request_for(url)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=TLS) as response:
            response.read(1)
            notice = response.headers.get('x-kiln-notice')
        if notice is not None:
            print(f'warning: {notice}', file=sys.stderr)
        return None
    except urllib.error.HTTPError as error:
        # Kiln's own package server says in a header what is wrong.
        detail = error.headers.get('x-kiln-problem')
        said = '' if detail is None else f': {detail}'
        return f'it answers {error.code} {error.reason} for {request.selector}{said}'
    except urllib.error.URLError as error:
        return reason_of(error.reason)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return reason_of(error)


def reason_of(reason):
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f'its certificate is not trusted: {reason.verify_message}'
    if isinstance(reason, socket.gaierror):
        return 'its name cannot be resolved'
    if isinstance(reason, (TimeoutError, socket.timeout)):
        return f'it does not answer within {TIMEOUT_S} s'
    if isinstance(reason, ConnectionRefusedError):
        return 'it refuses connections'
    return str(reason)


def check(repository):
    problems = [problem_of(url) for url in repository['urls']]
    return None if None in problems else problems[0]


def main():
    repositories = json.load(sys.stdin)
    with ThreadPoolExecutor(max_workers=16) as pool:
        print(json.dumps(list(pool.map(check, repositories))))


main()
