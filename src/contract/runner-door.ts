/** The door for runners on other machines: the service's routes for runners, on a socket of their own. */

/** Base address of the service for a runner that reaches it through the door; only the socket says where that is. */
export const DOOR_URL = 'http://kiln.internal';
/** Header with the id of the job whose token comes with a request. */
export const JOB_HEADER = 'x-kiln-job';
