# The joint model of a frame with gaps in an ordered category (y ~ z + o) by JAGS, without latent variables.
# Run in this folder after make_categories.py: Rscript jags.R ordered   (writes jags_ordered.csv; a few minutes). Debian:
# jags, r-cran-rjags, r-cran-coda
suppressMessages({library(rjags); library(parallel)})
options(digits = 17)
d <- read.csv("categories.csv")
outcome <- "
  for (l in 1:G) { u[l] ~ dnorm(0, pow(tau, -2)) }
  b[1] ~ dnorm(0, 0.01); b[2] ~ dnorm(0, 0.25)
  bx[1] <- 0
  for (j in 2:3) { bx[j] ~ dnorm(0, 0.25) }
  sigma ~ dexp(1); tau ~ dnorm(0, 1) T(0,)
"
models <- list(
  ordered = paste("model {
  for (i in 1:n) {
    y[i] ~ dnorm(b[1] + bx[x[i]] + b[2] * z[i] + u[g[i]], pow(sigma, -2))
    m[i] <- a[1] + a[2] * z[i] + v[g[i]]
    p[i, 1] <- phi(-m[i]); p[i, 2] <- phi(cut - m[i]) - phi(-m[i]); p[i, 3] <- 1 - phi(cut - m[i])
    x[i] ~ dcat(p[i, 1:3])
  }
  for (l in 1:G) { v[l] ~ dnorm(0, pow(taux, -2)) }
  a[1] ~ dnorm(0, pow(2.5, -2)); a[2] ~ dnorm(0, pow(1.5, -2)); cut ~ dexp(1); taux ~ dnorm(0, 1) T(0,)",
  outcome, "}"))
which <- commandArgs(trailingOnly = TRUE)[1]
z <- (d$z - mean(d$z)) / sqrt(mean((d$z - mean(d$z))^2))
data <- list(n = nrow(d), G = max(d$g) + 1, y = d$y, z = z, x = d$o + 1, g = d$g + 1)
n_keep <- 5000
one <- function(chain) {
  m <- jags.model(textConnection(models[[which]]), data, n.chains = 1, n.adapt = 200, quiet = TRUE,
                  inits = list(.RNG.name = "base::Mersenne-Twister", .RNG.seed = chain))
  update(m, 200, progress.bar = "none")
  coda.samples(m, c("b", "bx", "sigma", "tau", "taux", "a", "cut"), n_keep, progress.bar = "none")[[1]]
}
chains <- as.mcmc.list(mclapply(1:2, one, mc.cores = 2))
draws <- as.matrix(chains)
moving <- apply(draws, 2, sd) > 0
chains <- chains[, moving]
out <- data.frame(name = colnames(draws)[moving], mean = colMeans(draws)[moving], sd = apply(draws, 2, sd)[moving],
  ess = effectiveSize(chains), r_hat = gelman.diag(chains, multivariate = FALSE, autoburnin = FALSE)$psrf[, 1])
write.csv(out, paste0("jags_", which, ".csv"), row.names = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo_jags.txt")
