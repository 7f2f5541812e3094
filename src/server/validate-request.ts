import type { Interceptor } from "@connectrpc/connect";
import { passesRulePrecheck } from "../runner/rule-precheck.ts";

let validate: Promise<Interceptor> | undefined;

/**
 * Validates requests as the interceptor of `@connectrpc/validate` does. That is only loaded, and
 * asked, for what does not plainly keep the rules.
 */
export const validateRequest: Interceptor = (next) => async (request) => {
  if (!request.stream && passesRulePrecheck(request.method.input, request.message)) {
    return next(request);
  }
  validate ??= import("@connectrpc/validate").then(({ createValidateInterceptor }) =>
    createValidateInterceptor(),
  );
  return (await validate)(next)(request);
};
