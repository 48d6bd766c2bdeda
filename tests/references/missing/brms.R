# The joint model of Exam with holes by brms' mi(): what sf.fit(..., missing="model") is held against.
# Run in this folder after fit.R: Rscript brms.R FOLDER   (writes brms.csv; ten minutes). Debian: r-cran-brms, libboost-dev
suppressMessages(library(brms))
rstan::rstan_options(boost_lib = "/usr/include")  # where Debian has it
options(digits = 17)
folder <- commandArgs(trailingOnly = TRUE)[1]
# group effects of the two are independent, as in sf.impute; priors are flat or wide
model <- bf(y ~ mi(x) + z + (1 | school)) + bf(x | mi() ~ z + (1 | school)) + set_rescor(FALSE)
wide <- c(set_prior("normal(0, 2.5)", class = "sd", resp = c("y", "x")),
          set_prior("normal(0, 2.5)", class = "sigma", resp = c("y", "x")))
names <- c(b_y_Intercept = "(Intercept)", bsp_y_mix = "x", b_y_z = "z", sd_school__y_Intercept = "sd_group",
           sigma_y = "sd_resid", sd_school__x_Intercept = "x: sd_group", sigma_x = "x: sd_resid")
fit <- NULL
found <- data.frame()
for (rule in c("mar", "mcar")) {
  d <- read.csv(file.path(folder, paste0("exam_", rule, ".csv")))
  fit <- if (is.null(fit)) brm(model, d, prior = wide, chains = 2, cores = 2, iter = 2500, warmup = 500, seed = 5) else
    update(fit, newdata = d, chains = 2, cores = 2, iter = 2500, warmup = 500, seed = 5)
  draws <- as_draws_array(fit, variable = names(names))
  s <- posterior::summarise_draws(draws, "mean", "sd", "rhat", "ess_bulk")
  divergent <- sum(nuts_params(fit, "divergent__")$Value)
  found <- rbind(found, data.frame(data = "exam", rule, term = unname(names[s$variable]), lapply(s[, -1], as.numeric),
                                   divergent))
  write.csv(found, "brms.csv", row.names = FALSE)
}
writeLines(capture.output(sessionInfo()), "sessionInfo_brms.txt")
