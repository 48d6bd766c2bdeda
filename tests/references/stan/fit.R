# Fits of brms and rstanarm with exactly our priors, for tests that never need R.
# Run in this folder: Rscript fit.R   (about fifteen minutes; writes fits.csv and sessionInfo.txt)
suppressMessages({library(brms); library(rstanarm); library(posterior)})
# Debian keeps Boost among the system headers, where rstan does not look.
rstan::rstan_options(boost_lib = "/usr/include")
options(mc.cores = 1)
chains <- 4; iter <- 11000; warmup <- 1000; seed <- 20261124

# One row per quantity: mean, sd, their Monte Carlo standard errors, ESS, R-hat, quantiles.
summarise_all <- function(draws, package, model) {
  draws <- as_draws_array(draws)
  s <- summarise_draws(draws, mean, sd, mcse_mean, mcse_sd, ess_bulk, ess_tail, rhat,
                       ~quantile2(.x, probs = c(0.025, 0.5, 0.975)))
  s <- as.data.frame(lapply(as.data.frame(s), function(column)
    if (is.character(column)) column else as.numeric(column)), check.names = FALSE)
  cbind(package = package, model = model, s)
}

# Names of ours: (Intercept), slope, sd_group, sd_resid, u[group], icc.
ours <- function(draws, map, icc = TRUE) {
  d <- as_draws_df(draws)
  out <- lapply(map, function(name) as.matrix(as_draws_matrix(subset_draws(draws, name)))[, 1])
  names(out) <- names(map)
  if (icc) out$icc <- out$sd_group^2 / (out$sd_group^2 + out$sd_resid^2)
  n <- nchains(draws); m <- length(out[[1]]) / n
  array(unlist(out), dim = c(m, n, length(out)),
        dimnames = list(NULL, NULL, names(out)))
}

priors_for <- function(y, x) {
  m <- mean(y); s <- sd(y)
  p <- c(set_prior(sprintf("normal(%.15g, %.15g)", m, 2.5 * s), class = "Intercept"),
         set_prior(sprintf("student_t(3, 0, %.15g)", s), class = "sd"),
         set_prior(sprintf("student_t(3, 0, %.15g)", s), class = "sigma"))
  if (!is.null(x)) p <- c(p, set_prior(sprintf("normal(0, %.15g)", 2.5 * s / sd(x)), class = "b"))
  p
}

fit_brms <- function(formula, data, y, x, group, model, control = list(adapt_delta = 0.95)) {
  f <- brm(formula, data = data, prior = priors_for(y, x), chains = chains, iter = iter,
           warmup = warmup, seed = seed, control = control, refresh = 0, silent = 2)
  levels <- sort(unique(data[[group]]))
  map <- c("(Intercept)" = "b_Intercept", if (!is.null(x)) c(slope = grep("^b_(?!Inter)", variables(f), perl = TRUE, value = TRUE)),
           sd_group = sprintf("sd_%s__Intercept", group), sd_resid = "sigma",
           setNames(sprintf("r_%s[%s,Intercept]", group, levels), sprintf("u[%s]", levels)))
  cat(model, "brms divergences:", sum(subset(nuts_params(f), Parameter == "divergent__")$Value), "\n")
  summarise_all(ours(as_draws_array(f), map), "brms", model)
}

fit_rstanarm <- function(formula, data, y, x, group, model) {
  s <- sd(y)
  arguments <- list(formula = formula, data = data, family = gaussian(),
    prior_intercept = normal(mean(y), 2.5 * s, autoscale = FALSE),
    prior_aux = student_t(3, 0, s, autoscale = FALSE),
    prior_covariance = lkj(regularization = 1, scale = s, df = 3, autoscale = FALSE),
    chains = chains, iter = iter, warmup = warmup, seed = seed, refresh = 0, adapt_delta = 0.95)
  if (!is.null(x)) arguments$prior <- normal(0, 2.5 * s / sd(x), autoscale = FALSE)
  f <- do.call(stan_mvmer, arguments)
  names_ <- dimnames(as.array(f))[[3]]
  levels <- sort(unique(data[[group]]))
  u <- sapply(levels, function(l) grep(sprintf("b\\[.*%s:%s\\]", group, l), names_, value = TRUE))
  map <- c("(Intercept)" = grep("\\(Intercept\\)$", names_, value = TRUE)[1],
           if (!is.null(x)) c(slope = grep("^y1\\|q13$", names_, value = TRUE)),
           sd_resid = grep("sigma$", names_, value = TRUE), setNames(u, sprintf("u[%s]", levels)))
  a <- as_draws_array(as.array(f))
  sigma_name <- grep("^Sigma\\[", names_, value = TRUE)
  a <- bind_draws(a, as_draws_array(array(sqrt(as.array(f)[, , sigma_name]), dim = c(dim(a)[1], dim(a)[2], 1),
                  dimnames = list(NULL, NULL, "sd_group_"))), along = "variable")
  map <- c(map, sd_group = "sd_group_")
  summarise_all(ours(a, map), "rstanarm", model)
}

d <- read.csv("data/q13.csv")
county <- read.csv("data/counties.csv")
schools <- read.csv("data/eight_schools.csv")
results <- list(
  fit_brms(absence_mean ~ 1 + (1 | industry), d, d$absence_mean, NULL, "industry", "null"),
  fit_brms(absence_mean ~ q13 + (1 | industry), d, d$absence_mean, d$q13, "industry", "q13"),
  fit_brms(radon ~ floor + (1 | county), county, county$radon, county$floor, "county", "counties"))
f <- brm(effect | se(se) ~ 1 + (1 | school), data = schools, chains = chains, iter = iter,
         warmup = warmup, seed = seed, control = list(adapt_delta = 0.99), refresh = 0, silent = 2,
         prior = c(set_prior("normal(0, 20)", class = "Intercept"),
                   set_prior("student_t(3, 0, 10)", class = "sd")))
map <- c("(Intercept)" = "b_Intercept", sd_group = "sd_school__Intercept",
         setNames(sprintf("r_school[%s,Intercept]", schools$school), sprintf("u[%s]", schools$school)))
results <- c(results, list(summarise_all(ours(as_draws_array(f), map, icc = FALSE), "brms", "eight_schools")))
write.csv(do.call(rbind, results), "fits.csv", row.names = FALSE)
results <- c(results, list(
  fit_rstanarm(absence_mean ~ 1 + (1 | industry), d, d$absence_mean, NULL, "industry", "null"),
  fit_rstanarm(absence_mean ~ q13 + (1 | industry), d, d$absence_mean, d$q13, "industry", "q13")))
write.csv(do.call(rbind, results), "fits.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
