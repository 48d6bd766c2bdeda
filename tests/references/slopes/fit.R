# Random slopes by lme4, and by brms with exactly our priors, for tests that never need R.
# Run in this folder: Rscript fit.R FOLDER   (some fifteen minutes)
# Writes fits.csv and sessionInfo.txt here. sleepstudy (lme4) and Exam (mlmRev) are under licences
# of their own, so that their rows go to FOLDER, outside the repository, where tests/studies/slopes.py reads them.
suppressMessages({library(lme4); library(mlmRev); library(brms); library(posterior)})
rstan::rstan_options(boost_lib = "/usr/include") # where Debian keeps it
folder <- commandArgs(trailingOnly = TRUE)[1]
chains <- 4; seed <- 20261129

frame <- function(y, x, g) data.frame(y = y, x = x, g = as.character(g))
data <- list(
  sleepstudy = frame(sleepstudy$Reaction, sleepstudy$Days, sleepstudy$Subject),
  exam = frame(Exam$normexam, Exam$standLRT, Exam$school),
  simulated = read.csv("data/simulated.csv"))
for (name in c("sleepstudy", "exam"))
  write.csv(data[[name]], file.path(folder, paste0(name, ".csv")), row.names = FALSE)

# Half-normal(1000) sds and a uniform correlation, both at x = 0; the intercept's prior is at the
# mean of x (brms's class Intercept). The same for all data, so that the model is compiled once.
priors <- c(
  set_prior("normal(0, 1000)", class = "Intercept"), set_prior("normal(0, 1000)", class = "b"),
  set_prior("normal(0, 1000)", class = "sd"), set_prior("normal(0, 1000)", class = "sigma"),
  set_prior("lkj(1)", class = "cor"))

# Where groups are fitted: at the zero and at the largest x.
ends <- function(d) expand.grid(g = sort(unique(d$g)), x = c(0, max(d$x)), stringsAsFactors = FALSE)
fitted_name <- function(new) sprintf("fitted[%s,%.10g]", new$g, new$x)

by_lme4 <- function(d, model) {
  f <- lmer(y ~ x + (x | g), d, control = lmerControl(optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-10)))
  v <- as.data.frame(VarCorr(f)); u <- ranef(f)$g; new <- ends(d)
  value <- c(fixef(f), v$sdcor[1], v$sdcor[2], v$sdcor[3], sigma(f), u[, 1], u[, 2], predict(f, new))
  data.frame(package = "lme4", data = model, variable = c("(Intercept)", "x",
    "sd_group", "sd_slope", "correlation", "sd_resid", sprintf("u[%s]", rownames(u)),
    sprintf("u_slope[%s]", rownames(u)), fitted_name(new)), mean = value, sd = NA, mcse_mean = NA,
    mcse_sd = NA, ess_bulk = NA, ess_tail = NA, rhat = NA)
}

compiled <- NULL
by_brms <- function(d, model, iter, warmup) {
  settings <- list(chains = chains, cores = 1, iter = warmup + iter, warmup = warmup, seed = seed,
                   control = list(adapt_delta = 0.95), refresh = 0, silent = 2)
  f <- if (is.null(compiled)) do.call(brm, c(list(y ~ x + (x | g), data = d, prior = priors), settings))
       else do.call(update, c(list(compiled, newdata = d, recompile = FALSE), settings))
  compiled <<- f
  cat(model, "divergences:", sum(subset(nuts_params(f), Parameter == "divergent__")$Value), "\n")
  levels <- sort(unique(d$g)); new <- ends(d); a <- as_draws_array(f)
  names <- c("(Intercept)" = "b_Intercept", x = "b_x", sd_group = "sd_g__Intercept",
    sd_slope = "sd_g__x", correlation = "cor_g__Intercept__x", sd_resid = "sigma",
    setNames(sprintf("r_g[%s,Intercept]", levels), sprintf("u[%s]", levels)),
    setNames(sprintf("r_g[%s,x]", levels), sprintf("u_slope[%s]", levels)))
  expected <- array(posterior_epred(f, newdata = new), dim = c(iter, chains, nrow(new)))
  values <- array(c(as.numeric(a[, , names]), as.numeric(expected)), dim = c(iter, chains, length(names) + nrow(new)),
                  dimnames = list(NULL, NULL, c(base::names(names), fitted_name(new))))
  s <- summarise_draws(as_draws_array(values), mean, sd, mcse_mean, mcse_sd, ess_bulk, ess_tail, rhat)
  cbind(package = "brms", data = model, as.data.frame(s))
}

found <- lapply(names(data), function(name) by_lme4(data[[name]], name))
iter <- c(sleepstudy = 6000, simulated = 6000, exam = 2000)
warmup <- c(sleepstudy = 1000, simulated = 1000, exam = 1000)
for (name in names(iter)) {
  found <- c(found, list(by_brms(data[[name]], name, iter[[name]], warmup[[name]])))
  table <- do.call(rbind, found)
  numeric <- sapply(table, is.numeric)
  table[numeric] <- lapply(table[numeric], signif, digits = 8)
  write.csv(table, "fits.csv", row.names = FALSE, na = "")
}
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
