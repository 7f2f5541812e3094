/**
 * Parses the value of a `Retry-After` header (RFC 9110, section 10.2.3): a number of seconds, or an
 * HTTP-date in one of its three forms. `now` is the current time, in milliseconds since the Unix
 * epoch.
 *
 * Returns the delay in milliseconds, 0 for a date in the past, or undefined if the value is
 * anything else.
 */
export function parseRetryAfter(value: string, now: number): number | undefined {
  if (/^\d+$/.test(value)) {
    return Number(value) * 1000;
  }
  const date = toImfFixdate(value, new Date(now).getUTCFullYear());
  const time = Date.parse(date);
  // JavaScript parses much more than HTTP-dates, but formats them exactly as IMF-fixdate.
  return !Number.isNaN(time) && new Date(time).toUTCString() === date
    ? Math.max(0, time - now)
    : undefined;
}

/**
 * Converts the obsolete forms of an HTTP-date to the current one, IMF-fixdate. Returns other values
 * unchanged.
 */
function toImfFixdate(value: string, currentYear: number): string {
  // Sunday, 06-Nov-94 08:49:37 GMT
  const rfc850 = /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-(\w{3})-(\d\d) (\S+ GMT)$/.exec(
    value,
  );
  if (rfc850 !== null) {
    const [, weekday = "", day, month, yearOfCentury, time] = rfc850;
    const year = currentYear - (currentYear % 100) + Number(yearOfCentury);
    // A year that seems to be more than 50 years in the future is one in the past.
    const fullYear = year > currentYear + 50 ? year - 100 : year;
    return `${weekday.slice(0, 3)}, ${day} ${month} ${fullYear} ${time}`;
  }
  // Sun Nov  6 08:49:37 1994
  const asctime = /^(\w{3}) (\w{3}) ([ \d]\d) (\S+) (\d{4})$/.exec(value);
  if (asctime !== null) {
    const [, weekday, month, day = "", time, year] = asctime;
    return `${weekday}, ${day.replace(" ", "0")} ${month} ${year} ${time} GMT`;
  }
  return value;
}
