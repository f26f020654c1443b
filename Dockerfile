# The engine with a broker of its own, for one machine. With NATS_URL it uses that broker instead
# and writes nothing at all.
#
#   docker build -t freshet .
#   docker run --read-only --cap-drop ALL -v freshet:/data -p 127.0.0.1:9464:9464 freshet
#
# Configuration: mount a folder of your own on /app/config, with http.host 0.0.0.0.

ARG NODE=22

FROM node:${NODE}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --loglevel=error
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY operators ./operators
RUN npx --no-install tsc -p tsconfig.build.json --noEmitOnError \
    && npm prune --omit=dev --loglevel=error
COPY config ./config
# In a container, who scrapes /metrics is outside.
RUN sed -i 's|^  host: 127.0.0.1$|  host: 0.0.0.0|' config/freshet.yaml \
    && grep -q '^  host: 0.0.0.0$' config/freshet.yaml

FROM node:${NODE}-bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends nats-server \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o node -g node -m 0700 /data
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/config ./config
COPY package.json LICENSE ./
USER node
VOLUME /data
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=64", "dist/src/main.js"]
CMD ["start", "--data", "/data"]
