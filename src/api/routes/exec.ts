import { invalid } from "../../base/errors.ts";
import { execCreate, execInspect, execResize, execStart } from "../../client/endpoints/exec.ts";
import type { ExecStartOptions } from "../../containers/containers.ts";
import { consoleSize, terminalSize } from "../decode/size.ts";
import { type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { execInspect as execToWire } from "../wire/exec.ts";

/** Endpoints of processes that are started in a running container. */
export function execRoutes({ containers }: Pick<ApiServices, "containers">): Route[] {
  return [
    route(execCreate, async ({ op, params, body = {} }) => {
      if (body.Cmd === undefined || body.Cmd.length === 0) throw invalid("No exec command specified");
      return { Id: await containers.execCreate(op, params.id, body) };
    }),
    route(
      execStart,
      async ({ op, params, body = {} }) => {
        const { id, config } = containers.execGet(params.id);
        const size = consoleSize(body.ConsoleSize);
        const options: ExecStartOptions = {
          detach: body.Detach ?? false,
          ...(body.Tty !== undefined && { tty: body.Tty }),
          ...(size && { size }),
        };
        const open = async () => (await containers.execStart(op, id, options)).stream;
        if (options.detach) await open();
        return { open, tty: config.Tty ?? false, stdin: config.AttachStdin ?? false };
      },
      { takesOver: ({ body }) => !body?.Detach },
    ),
    route(execResize, ({ op, params, query }) => containers.execResize(op, params.id, terminalSize(query))),
    route(execInspect, ({ params }) => execToWire(containers.execGet(params.id))),
  ];
}
