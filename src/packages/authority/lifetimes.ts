/** How long certificates are good for, and when the next one is due. Pure: the time is an argument. */
import type { Validity } from './openssl.ts';
import type { CertificateFacts } from './pem.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ROOT_DAYS = 3_650;
const SERVER_DAYS = 90;
/** With this much left, a root gets a next one, so that images can learn of it. */
const ROOT_NOTICE_DAYS = 365;
/** With this much left, the next root signs: what the old one signed would not live as long as it should. */
const ROOT_LAST_DAYS = 100;
/** Clocks of nodes may be behind ours. */
const BACKDATED_MS = HOUR_MS;

export function rootValidity(now: Date): Validity {
  return validity(now, ROOT_DAYS);
}

/** Within that of the issuer. */
export function serverValidity(now: Date, issuer: CertificateFacts): Validity {
  const { from, until } = validity(now, SERVER_DAYS);
  return {
    from: from < issuer.notBefore ? issuer.notBefore : from,
    until: until > issuer.notAfter ? issuer.notAfter : until,
  };
}

/** At two thirds of its life; and when its beginning is to come, because a clock was set back. */
export function isServerDue({ notBefore, notAfter }: CertificateFacts, now: Date): boolean {
  const life = notAfter.getTime() - notBefore.getTime();
  return now < notBefore || now.getTime() >= notBefore.getTime() + (life * 2) / 3;
}

export function nearsItsEnd(root: CertificateFacts, now: Date): boolean {
  return daysLeft(root, now) < ROOT_NOTICE_DAYS;
}

export function mustBeReplaced(root: CertificateFacts, now: Date): boolean {
  return daysLeft(root, now) < ROOT_LAST_DAYS;
}

export function hasExpired({ notAfter }: CertificateFacts, now: Date): boolean {
  return notAfter <= now;
}

function daysLeft({ notAfter }: CertificateFacts, now: Date): number {
  return (notAfter.getTime() - now.getTime()) / DAY_MS;
}

function validity(now: Date, days: number): Validity {
  return {
    from: new Date(now.getTime() - BACKDATED_MS),
    until: new Date(now.getTime() + days * DAY_MS),
  };
}
