import { readFileSync } from "node:fs";
import { toBinary, toJsonString, fromBinary, fromJson, create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { GetRunnerResponseSchema, GetRunnerRequestSchema } from "/work/main/gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson } from "/work/main/src/runner/runner-json.ts";
const j = JSON.parse(readFileSync("/work/main/examples/runners/aws-enterprise-active.json","utf8")); delete j.$serve;
const m = runnerFromJson(j);
const s = toJsonString(GetRunnerResponseSchema, m), b = toBinary(GetRunnerResponseSchema, m);
console.log("json", s.length, "bin", b.length);
const v = createValidator();
function t(name, f, n=20000){ for(let i=0;i<2000;i++) f(); const t0=performance.now(); for(let i=0;i<n;i++) f(); console.log(name, ((performance.now()-t0)/n*1000).toFixed(2),"µs"); }
t("toJsonString", ()=>toJsonString(GetRunnerResponseSchema,m));
t("toBinary", ()=>toBinary(GetRunnerResponseSchema,m));
t("fromBinary", ()=>fromBinary(GetRunnerResponseSchema,b));
t("JSON.parse", ()=>JSON.parse(s));
t("fromJson", ()=>fromJson(GetRunnerResponseSchema,JSON.parse(s)));
t("validate resp", ()=>v.validate(GetRunnerResponseSchema,m));
const r = create(GetRunnerRequestSchema,{runnerId:"d2c94c27-3b76-4a42-b88c-95a85e392c68"});
t("validate req", ()=>v.validate(GetRunnerRequestSchema,r));
